// A card with a chart: drawn once for a stretch of time; after that only its cursor moves.

import { find, isWide, make, say } from './dom.js';
import { clamp } from './format.js';
import { fit, widthOf } from './ink.js';

export class Chart {
    constructor(scene, act, id, title, words) {
        this.scene = scene;
        this.axes = null;
        this.heading = make('span', { class: 'dim' });
        this.canvas = make('canvas', { role: 'img', 'aria-label': words });
        this.cursor = make('div', { class: 'cur', hidden: '' });
        this.box = make('div', { class: 'cv' }, this.canvas, this.cursor);
        this.list = make('ul', { class: 'leg' });
        const header = make('header', {}, make('h2', { text: title }), this.heading);
        this.card = make('section', { class: 'card', id, 'aria-label': title }, header, this.box, this.list);
        find('#minis').append(this.card);
        this.box.onpointerdown = (event) => {
            if (!this.axes || !this.isOfTime) return;
            const x = event.clientX - this.canvas.getBoundingClientRect().left;
            const share = clamp((x - this.axes.left) / (this.axes.right - this.axes.left), 0, 1);
            act.go(this.axes.from + share * (this.axes.to - this.axes.from));
        };
    }

    // Whether the x axis is the time that the player moves along.
    get isOfTime() {
        return true;
    }

    // Whether the recording has what this shows.
    get isThere() {
        return true;
    }

    // For subclasses: draws, and returns the axes. `read` says what holds at this time.
    draw() {
        return null;
    }

    read() {}

    // Where the cursor stands, in the values of the x axis.
    cursorAt() {
        return this.isOfTime ? this.scene.time : null;
    }

    // Shows the card if there is something in it; says whether it comes or goes, which changes the width of the others.
    settle() {
        const { hidden } = this.card;
        this.card.hidden = !this.isThere;
        return hidden !== this.card.hidden;
    }

    redraw() {
        if (this.card.hidden) return;
        const height = isWide() ? 300 : 150;
        const [g, width] = fit(this.canvas, height);
        this.cursor.style.height = `${height - 26}px`;
        this.axes = this.draw(g, width, height);
        this.move();
    }

    move() {
        if (this.card.hidden) return;
        const at = this.axes ? this.cursorAt() : null;
        const x = at === null ? -1 : this.axes.x(at);
        this.cursor.hidden = x < 30 || x > widthOf(this.box);
        if (!this.cursor.hidden) this.cursor.style.transform = `translateX(${x}px)`;
        this.read();
    }

    // Items as [words, colour, value].
    legend(items) {
        const key = items.map(([words, colour]) => words + colour).join('\n');
        if (this.legendKey !== key) {
            this.legendKey = key;
            this.list.replaceChildren(...items.map(([words, colour]) => {
                const sample = make('i');
                sample.style.background = colour;
                return make('li', {}, sample, `${words} `, make('b'));
            }));
        }
        items.forEach(([, , value], i) => say(this.list.children[i].lastChild, value));
    }
}
