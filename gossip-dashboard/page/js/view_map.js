// The map: a cell for each member. Only cells that changed are painted again.

import { accusedCounts, accusers, between } from './accusations.js';
import { Tip, find, findAll, isNarrow, press, say, within } from './dom.js';
import { clamp, count } from './format.js';
import {
    BOLD, FADED, FIRST_STEP, FONT, RAMP, colourOf, drawMark, fit, fitted, ink, isPlain, widthOf,
} from './ink.js';
import { Finder, layOut } from './map_layout.js';
import { DEAD, LEFT, STATES, SUSPECT } from './words.js';

// From this size on, a cell has room for a name.
const NAMED = 34;
// Members in trouble that get a ring each; a rack with this many gets one box.
const MAX_RINGS = 400;
const BOXED = 4;
const UNDRAWN = 255;

export class MemberMap {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.box = find('#map');
        [this.below, this.above] = findAll('canvas', this.box);
        this.tip = new Tip(this.box);
        this.hover = -1;
        this.buttons = findAll('#modes button');
        for (const button of this.buttons) button.onclick = () => act.setMode(button.dataset.mode);
        this.listen();
    }

    listen() {
        const { box, act } = this;
        box.onpointermove = (event) => {
            const [x, y] = within(event, box);
            const member = this.finder.at(x, y);
            if (member !== this.hover) {
                this.hover = member;
                this.drawAbove();
            }
            this.tip.show(x, y, member < 0 ? '' : this.words(member));
        };
        box.onpointerleave = () => {
            this.hover = -1;
            this.tip.hide();
            this.drawAbove();
        };
        box.onclick = (event) => act.select(this.finder.at(...within(event, box)));
        const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        box.onkeydown = (event) => {
            const step = steps[event.key];
            if (!step || !this.scene.recording.members) return;
            event.preventDefault();
            event.stopPropagation();
            const from = this.scene.selected;
            act.select(from < 0 ? 0 : this.finder.beside(from, ...step));
        };
    }

    words(member) {
        const { scene } = this;
        const state = STATES[scene.timeline.shown(member)];
        const words = `${scene.name(member)} · ${state}`;
        const { news } = scene;
        if (scene.mode !== 'spread' || !news) return words;
        const after = news.after(member);
        return `${words} · ${after < 65_535 ? `knew after ${after} ms` : 'not reached'}`;
    }

    // Lays the cells out anew: for another width, or other members.
    lay() {
        const { scene } = this;
        const wanted = isNarrow() ? 690 : innerWidth > 1_179 ? 560 : 520;
        this.layout = layOut(scene.recording, widthOf(this.box), wanted);
        this.finder = new Finder(this.layout);
        this.drawn = new Uint8Array(scene.recording.members).fill(UNDRAWN);
        this.members = scene.recording.members;
        const { recording } = scene;
        say(find('#mapsub'), `${count(recording.members)} in ${count(recording.zones.length)} ${recording.zones.length === 1 ? 'zone' : 'zones'}`);
    }

    // Everything, with other colours or in another mode.
    redraw() {
        if (!this.layout || this.members !== this.scene.recording.members) this.lay();
        press(this.buttons, this.buttons.find((button) => button.dataset.mode === this.scene.mode));
        const { layout, scene } = this;
        const [g] = fit(this.below, layout.height);
        for (const label of layout.labels) {
            const title = label.zone === undefined;
            g.font = title ? '600 13px system-ui, sans-serif' : FONT;
            g.fillStyle = title ? ink.ink : ink.dim;
            const zone = scene.recording.zones[label.zone];
            const text = fitted(g, title ? label.region || '–' : zone.word, label.width - 34);
            g.fillText(text, label.x, label.y);
            if (title) continue;
            const members = zone.racks.reduce((n, rack) => n + scene.recording.racks[rack].members.length, 0);
            g.fillStyle = ink.ghost;
            g.fillText(count(members), label.x + g.measureText(text).width + 6, label.y);
        }
        this.drawn.fill(UNDRAWN);
        this.paint(g, true);
        this.drawAbove();
    }

    // What has changed since.
    move() {
        if (this.members !== this.scene.recording.members) {
            this.redraw();
            return;
        }
        this.paint(this.below.getContext('2d'), false);
        this.drawAbove();
    }

    marker() {
        const { scene } = this;
        const { timeline, news, time } = scene;
        if (scene.mode === 'spread' && news) {
            return (member, state) => {
                if (!state) return 0;
                const after = news.after(member);
                if (member === news.member && time >= news.at) return FIRST_STEP + RAMP - 1;
                if (after >= 65_535 || time < news.at + after) return FADED;
                return FIRST_STEP + clamp(Math.round(3.5 + 11 * (1 - after / news.max)), 0, RAMP - 2);
            };
        }
        if (scene.mode === 'accused') {
            const counts = accusedCounts(scene.recording, time);
            return (member, state) => {
                if (!state || state === LEFT) return state;
                const often = counts[member];
                return often ? FIRST_STEP + clamp(Math.floor(3 + 4 * Math.log2(1 + often)), 3, RAMP - 1) : FADED;
            };
        }
        return (member) => timeline.shown(member);
    }

    paint(g, everything) {
        const { scene, layout, drawn } = this;
        const { cells, size } = layout;
        const marker = this.marker();
        const plain = new Map();
        for (let m = 0; m < drawn.length; m += 1) {
            const mark = marker(m, scene.timeline.shown(m));
            if (mark === drawn[m]) continue;
            drawn[m] = mark;
            const [x, y] = [cells[2 * m], cells[2 * m + 1]];
            if (!everything) g.clearRect(x - 0.5, y - 0.5, size + 1, size + 1);
            if (size < NAMED && isPlain(mark)) {
                if (!plain.has(mark)) plain.set(mark, []);
                plain.get(mark).push(m);
            } else {
                this.paintCell(g, mark, m, x, y);
            }
        }
        // By colour, since changing it costs more than a square.
        for (const [mark, members] of plain) {
            g.fillStyle = colourOf(mark);
            for (const m of members) g.fillRect(cells[2 * m], cells[2 * m + 1], size, size);
        }
    }

    paintCell(g, mark, member, x, y) {
        const { size } = this.layout;
        if (size < NAMED || !mark) {
            drawMark(g, mark, x, y, size);
            return;
        }
        if (isPlain(mark)) {
            drawMark(g, mark, x, y, size);
        } else {
            g.fillStyle = ink.soft;
            g.fillRect(x, y, size, size);
            drawMark(g, mark, x + size / 2 - 9, y + size / 2 - 15, 18);
        }
        g.font = FONT;
        g.fillStyle = mark >= FIRST_STEP + RAMP / 2 && mark < FADED ? ink.card : ink.ink;
        g.textAlign = 'center';
        const name = this.scene.name(member);
        const fits = g.measureText(name).width <= size - 4;
        g.fillText(fits ? name : fitted(g, name.split(/[-./]/).pop(), size - 4), x + size / 2, y + size - 6);
        g.textAlign = 'left';
    }

    middle(member) {
        const { cells, size } = this.layout;
        return [cells[2 * member] + size / 2, cells[2 * member + 1] + size / 2];
    }

    // Above the cells: zones held, rings and boxes, arcs of accusations, what is selected.
    drawAbove() {
        const [g] = fit(this.above, this.layout.height);
        this.drawHeld(g);
        if (this.scene.mode === 'status') this.drawTrouble(g);
        if (this.scene.mode === 'accused') this.drawAccusers(g);
        const { news, selected, time } = this.scene;
        if (this.scene.mode === 'spread' && news && time >= news.at) this.ring(g, news.member, ink.ink, 2);
        if (selected >= 0) this.drawSelected(g, selected);
        const { cells, size } = this.layout;
        for (const [member, colour] of [[this.hover, ink.dim], [selected, ink.ink]]) {
            if (member < 0) continue;
            g.strokeStyle = colour;
            g.lineWidth = 2;
            g.strokeRect(cells[2 * member] - 2.5, cells[2 * member + 1] - 2.5, size + 5, size + 5);
        }
    }

    drawHeld(g) {
        for (const label of this.layout.labels) {
            if (label.zone === undefined || !this.scene.timeline.isHeld(label.zone)) continue;
            g.strokeStyle = ink.held;
            g.setLineDash([5, 4]);
            g.lineWidth = 1.5;
            g.beginPath();
            g.roundRect(label.x - 4, label.top - 2, label.width + 8, label.bottom - label.top, 5);
            g.stroke();
            g.setLineDash([]);
            g.font = BOLD;
            g.fillStyle = ink.held;
            g.textAlign = 'right';
            // Beside the zone's name, as far as there is room.
            const words = label.width > 240 ? 'quarantined: nobody is accused' : label.width > 130 ? 'quarantined' : '';
            g.fillText(words, label.x + label.width, label.y);
            g.textAlign = 'left';
        }
    }

    drawTrouble(g) {
        const { recording } = this.scene;
        const byRack = new Map();
        for (let m = 0; m < this.drawn.length; m += 1) {
            const mark = this.drawn[m];
            if (mark !== SUSPECT && mark !== DEAD) continue;
            const rack = recording.rackOf[m];
            const found = byRack.get(rack) ?? { [SUSPECT]: [], [DEAD]: [] };
            found[mark].push(m);
            byRack.set(rack, found);
        }
        let rings = 0;
        for (const [rack, { [SUSPECT]: suspect, [DEAD]: dead }] of byRack) {
            if (suspect.length + dead.length >= BOXED) {
                const words = [
                    suspect.length ? `${count(suspect.length)} suspect` : '',
                    dead.length ? `${count(dead.length)} dead` : '',
                ];
                this.drawBox(g, rack, words.filter(Boolean).join(', '), dead.length ? ink.dead : ink.suspect);
                continue;
            }
            if (this.layout.size >= NAMED) continue;
            for (const m of [...suspect, ...dead]) {
                rings += 1;
                if (rings <= MAX_RINGS) this.ring(g, m, colourOf(this.drawn[m]), 1.5);
            }
        }
    }

    drawBox(g, rack, words, colour) {
        const { cells, size } = this.layout;
        const { members } = this.scene.recording.racks[rack];
        let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
        for (const m of members) {
            left = Math.min(left, cells[2 * m]);
            top = Math.min(top, cells[2 * m + 1]);
            right = Math.max(right, cells[2 * m] + size);
            bottom = Math.max(bottom, cells[2 * m + 1] + size);
        }
        g.strokeStyle = colour;
        g.lineWidth = 1.5;
        g.beginPath();
        g.roundRect(left - 4, top - 4, right - left + 8, bottom - top + 8, 4);
        g.stroke();
        g.font = BOLD;
        const width = g.measureText(words).width;
        const x = Math.max(2, right + 3 - width);
        // On the card, so that the words can be read above a zone's name.
        g.fillStyle = ink.card;
        g.fillRect(x - 3, top - 18, width + 6, 13);
        g.fillStyle = colour;
        g.fillText(words, x, top - 8);
    }

    ring(g, member, colour, line) {
        const { cell } = this.layout;
        const [x, y] = this.middle(member);
        g.strokeStyle = colour;
        g.lineWidth = line;
        g.beginPath();
        g.arc(x, y, clamp(cell * 0.85, 8, cell * 0.5 + 8), 0, 7);
        g.stroke();
    }

    arc(g, from, to) {
        const [[x, y], [p, q]] = [this.middle(from), this.middle(to)];
        g.beginPath();
        g.moveTo(x, y);
        g.quadraticCurveTo((p + x) / 2, Math.min(q, y) - 20, p, q);
        g.stroke();
    }

    drawAccusers(g) {
        for (const [member, accused] of accusers(this.scene.recording, this.scene.time).slice(0, 3)) {
            g.strokeStyle = ink.suspect;
            g.lineWidth = 1;
            g.globalAlpha = 0.6;
            for (const other of accused) this.arc(g, member, other);
            g.globalAlpha = 1;
            this.ring(g, member, ink.suspect, 2);
            const [x, y] = this.middle(member);
            g.font = BOLD;
            g.fillStyle = ink.ink;
            g.fillText(`accuses ${count(accused.size)}`, x + Math.max(11, this.layout.cell), y + 4);
        }
    }

    drawSelected(g, member) {
        const { by, accuses } = between(this.scene.recording, member, this.scene.time);
        g.strokeStyle = ink.accent;
        g.lineWidth = 1.2;
        g.globalAlpha = isNarrow() ? 0.45 : 0.7;
        for (const other of new Set([...by, ...accuses])) this.arc(g, other, member);
        g.globalAlpha = 1;
    }

    describe(words) {
        this.below.setAttribute('aria-label', words);
    }
}
