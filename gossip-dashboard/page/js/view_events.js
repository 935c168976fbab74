// Events as sentences: by kind, by name, of one member.

import { chip } from './chip.js';
import { find, make, say } from './dom.js';
import { count, stamp, upTo } from './format.js';
import { KINDS, PLACED, QUIET, isOfZone, sentence } from './words.js';

const ROW = 26;

export class Events {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.off = new Set(QUIET);
        this.wanted = '';
        this.shown = [];
        // Whether the list keeps to the time; a reader who scrolls stops that.
        this.follows = true;
        this.list = find('#list');
        this.items = find('ol', this.list);
        this.chips = new Map();
        this.list.onscroll = () => requestAnimationFrame(() => this.fill());
        const stop = () => (this.follows = false);
        this.list.onwheel = stop;
        this.list.onpointerdown = stop;
        this.list.onkeydown = (event) => {
            if (['PageUp', 'PageDown', 'ArrowUp', 'ArrowDown'].includes(event.key)) stop();
        };
        this.input = find('#evq');
        this.input.oninput = () => {
            this.wanted = this.input.value.trim().toLowerCase();
            this.follows = true;
            this.redraw();
        };
        this.input.onkeydown = (event) => {
            if (event.key === 'Escape') {
                this.input.value = '';
                this.input.oninput();
                this.input.blur();
            }
            event.stopPropagation();
        };
    }

    sentenceOf(event) {
        return sentence(event, (m) => this.scene.name(m), (z) => this.scene.zoneName(z));
    }

    isShown(event) {
        const { selected, recording } = this.scene;
        if (event.word === PLACED || this.off.has(event.word)) return false;
        if (event.at < this.scene.from || event.at > this.scene.to) return false;
        if (selected >= 0) {
            const own = isOfZone(event.word) ? event.zone === recording.zoneOf[selected] : event.member === selected;
            if (!own && !(event.word === 'accused' && event.by === selected)) return false;
        }
        return !this.wanted || this.names(event).some((name) => name.toLowerCase().includes(this.wanted));
    }

    // Who and what an event names.
    names(event) {
        const { scene } = this;
        const names = [isOfZone(event.word) ? scene.zoneName(event.zone) : scene.name(event.member)];
        if (event.by >= 0) names.push(scene.name(event.by));
        return names;
    }

    // Which events are listed: for another stretch of time, filter, name or member.
    redraw() {
        this.drawChips();
        this.shown = this.scene.timeline.events.filter((event) => this.isShown(event));
        this.items.style.height = `${this.shown.length * ROW}px`;
        this.key = '';
        this.move();
    }

    drawChips() {
        const { counts } = this.scene.recording;
        for (const [word, { label }] of KINDS) {
            const n = counts.get(word) ?? 0;
            let button = this.chips.get(word);
            if (!button && n) {
                button = this.chip(word);
                this.chips.set(word, button);
                const after = [...KINDS.keys()].slice([...KINDS.keys()].indexOf(word) + 1);
                const next = after.map((other) => this.chips.get(other)).find(Boolean);
                find('#chips').insertBefore(button, next ?? null);
            }
            if (button) say(button, `${label} ${count(n)}`);
        }
    }

    chip(word) {
        const onclick = () => {
            if (!this.off.delete(word)) this.off.add(word);
            button.setAttribute('aria-pressed', String(!this.off.has(word)));
            this.redraw();
        };
        const button = make('button', { type: 'button', 'aria-pressed': String(!this.off.has(word)), onclick });
        return button;
    }

    reset() {
        find('#chips').replaceChildren();
        this.chips.clear();
        this.follows = true;
    }

    // The list at this time.
    move() {
        this.past = upTo(this.shown, this.scene.time, (event) => event.at);
        if (this.follows) {
            this.height ||= this.list.clientHeight;
            this.list.scrollTop = this.past * ROW - this.height * 0.7;
        }
        this.fill();
    }

    // Only the rows that can be seen are elements.
    fill() {
        const { list, shown, past } = this;
        const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 2);
        const last = Math.min(shown.length, first + Math.ceil((this.height || 300) / ROW) + 5);
        const key = [first, last, past].join();
        if (key === this.key) return;
        this.key = key;
        const { selected } = this.scene;
        const whose = selected >= 0 ? `, of ${this.scene.name(selected)}` : '';
        say(find('#evsub'), `${count(past)} of ${count(shown.length)}${whose}`);
        this.items.replaceChildren(...shown.slice(first, last).map((event, i) => this.row(event, first + i)));
    }

    row(event, index) {
        const words = this.sentenceOf(event);
        const onclick = () => {
            this.act.go(event.at);
            if (!isOfZone(event.word)) this.act.select(event.member);
        };
        const state = index >= this.past ? 'next' : index === this.past - 1 ? 'now' : '';
        const mark = KINDS.get(event.word)?.mark ?? 1;
        const time = make('time', { text: stamp(event.at, 5_000) });
        const row = make('li', { class: state, onclick }, time, chip(mark), make('span', { text: words, title: words }));
        row.style.top = `${index * ROW}px`;
        return row;
    }

    // The event before or after this time.
    beside(step) {
        const { time } = this.scene;
        return step > 0 ? this.shown.find((e) => e.at > time) : this.shown.findLast((e) => e.at < time);
    }

    resize() {
        this.height = this.list.clientHeight;
    }
}
