// Below the map: how many are in which state, and a way through them.

import { chip } from './chip.js';
import { find, make, say } from './dom.js';
import { count } from './format.js';
import { ink } from './ink.js';
import { STATES } from './words.js';

export class Legend {
    constructor(scene, act) {
        this.scene = scene;
        this.box = find('#key');
        this.act = act;
        this.buttons = [];
    }

    redraw() {
        const { mode, news } = this.scene;
        if (mode === 'status') {
            this.buttons = STATES.slice(1).map((words, i) => this.button(i + 1, words));
            this.box.replaceChildren(...this.buttons);
        } else if (mode === 'spread' && news) {
            this.share = make('span', { class: 'dim note' });
            this.box.replaceChildren(this.ramp('last to know', 'first'), this.share);
        } else {
            this.box.replaceChildren(this.ramp('accused once', 'often, in the last 30 s'));
        }
        this.shown = mode;
    }

    button(state, words) {
        const onclick = () => this.act.nextIn(state);
        return make('button', { type: 'button', onclick }, chip(state), make('span', { text: words }), make('b'));
    }

    ramp(low, high) {
        const canvas = make('canvas', { width: 160, height: 12, class: 'ramp', 'aria-hidden': 'true' });
        const g = canvas.getContext('2d');
        ink.ramp.forEach((colour, i) => {
            g.fillStyle = colour;
            g.fillRect(i * 10, 0, 10, 12);
        });
        return make('span', { class: 'note' }, low, canvas, high);
    }

    move(counts) {
        if (this.shown !== this.scene.mode) this.redraw();
        if (this.shown === 'status') {
            this.buttons.forEach((button, i) => {
                say(button.lastChild, count(counts[i + 1]));
                button.className = counts[i + 1] ? '' : 'zero';
            });
        } else if (this.shown === 'spread' && this.scene.news) {
            const { news } = this.scene;
            const share = ((100 * this.scene.informed()) / news.all).toFixed(1);
            say(this.share, `${news.what} of ${this.scene.name(news.member)}: ${share} % know it`);
        }
    }
}
