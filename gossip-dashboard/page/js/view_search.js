// Finding a member by its name or place.

import { find, findAll, make } from './dom.js';
import { clamp } from './format.js';
import { STATES } from './words.js';

const MAX_HITS = 8;

// The members whose name or place has a text in it, at most `most`; names first that begin with it.
export function search(recording, text, most = MAX_HITS) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const [begin, inside, places] = [[], [], []];
    for (let m = 0; m < recording.members && begin.length < most; m += 1) {
        const name = recording.names[m].toLowerCase();
        const rack = recording.racks[recording.rackOf[m]].name.toLowerCase();
        if (name.startsWith(wanted)) begin.push(m);
        else if (inside.length < most && name.includes(wanted)) inside.push(m);
        else if (places.length < most && rack.includes(wanted)) places.push(m);
    }
    return [...begin, ...inside, ...places].slice(0, most);
}

export class Search {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.input = find('#q');
        this.hits = find('#hits');
        this.chosen = -1;
        this.input.oninput = () => this.look();
        this.input.onblur = () => this.close();
        this.input.onkeydown = (event) => this.key(event);
    }

    open() {
        this.input.focus();
        this.input.select();
    }

    close() {
        this.hits.hidden = true;
        this.input.setAttribute('aria-expanded', 'false');
        this.input.removeAttribute('aria-activedescendant');
    }

    look() {
        this.chosen = -1;
        if (!this.input.value.trim()) {
            this.close();
            return;
        }
        this.found = search(this.scene.recording, this.input.value);
        const items = this.found.map((member, i) => this.hit(member, i));
        if (!items.length) items.push(make('li', { class: 'dim', text: 'No member or place matches' }));
        this.hits.replaceChildren(...items);
        this.hits.hidden = false;
        this.input.setAttribute('aria-expanded', 'true');
    }

    hit(member, i) {
        const state = make('span', { class: 'dim', text: STATES[this.scene.timeline.shown(member)] });
        const onpointerdown = () => this.take(member);
        const name = make('span', { text: this.scene.name(member) });
        return make('li', { id: `hit${i}`, role: 'option', 'aria-selected': 'false', onpointerdown }, name, state);
    }

    take(member) {
        this.act.select(member);
        this.close();
        this.input.blur();
    }

    key(event) {
        event.stopPropagation();
        if (event.key === 'Escape') {
            this.close();
            this.input.blur();
        } else if (event.key === 'Enter') {
            const member = this.hits.hidden ? undefined : this.found[Math.max(0, this.chosen)];
            if (member !== undefined) this.take(member);
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            if (this.hits.hidden || !this.found.length) return;
            this.chosen = clamp(this.chosen + (event.key === 'ArrowDown' ? 1 : -1), 0, this.found.length - 1);
            findAll('[role=option]', this.hits).forEach((item, i) => {
                item.setAttribute('aria-selected', String(i === this.chosen));
            });
            this.input.setAttribute('aria-activedescendant', `hit${this.chosen}`);
        }
    }
}
