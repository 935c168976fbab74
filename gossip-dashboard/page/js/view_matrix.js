// Who accuses whom: regions, then zones, then members, each in a matrix that can be read.

import { RECENT_MS, accusers, firstLevel, matrix } from './accusations.js';
import { Tip, find, make, say, within } from './dom.js';
import { clamp, count, short } from './format.js';
import { FONT, RAMP, fit, fitted, ink, widthOf } from './ink.js';

const HEAD = 56;
const FOOT = 26;
const SUMS = 36;
const ACCUSER = 'accuser ↓';

export class Matrix {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.box = find('#mx');
        this.canvas = find('canvas', this.box);
        this.tip = new Tip(this.box);
        this.out = find('#mxback');
        this.reset();
        this.out.onclick = () => this.leave();
        this.box.onpointermove = (event) => {
            const cell = this.cellAt(event);
            this.tip.show(...within(event, this.box), cell ? this.words(cell) : '');
        };
        this.box.onpointerleave = () => this.tip.hide();
        this.box.onclick = (event) => {
            const cell = this.cellAt(event);
            if (cell) this.enter(cell);
        };
        this.box.onkeydown = (event) => this.key(event);
        this.box.onblur = () => {
            this.focus = null;
            this.redraw();
        };
    }

    reset() {
        this.path = [];
        this.focus = null;
    }

    // The way down: regions where zones are too many, zones, the members of two zones.
    get view() {
        return this.path.at(-1) ?? { level: firstLevel(this.scene.recording), pair: null };
    }

    enter([row, column]) {
        const { level } = this.view;
        const pair = [this.data.rows[row], this.data.columns[column]];
        if (level === 'members') {
            this.act.select(pair[0]);
            return;
        }
        if (!this.data.at(...pair)) return;
        this.path.push({ level: level === 'regions' ? 'zones' : 'members', pair });
        this.focus = null;
        this.tip.hide();
        this.redraw();
    }

    leave() {
        this.path.pop();
        this.redraw();
    }

    key(event) {
        const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
        const step = steps[event.key];
        if (event.key === 'Enter' && this.focus) this.enter(this.focus);
        else if (event.key === 'Escape' && this.path.length) this.leave();
        else if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        if (!step || !this.data.rows.length || !this.data.columns.length) return;
        const [row, column] = this.focus ?? [-step[0], -step[1]];
        this.focus = [
            clamp(row + step[0], 0, this.data.rows.length - 1),
            clamp(column + step[1], 0, this.data.columns.length - 1),
        ];
        this.redraw();
        this.act.say(this.words(this.focus));
    }

    cellAt(event) {
        const [x, y] = within(event, this.box);
        const [row, column] = [Math.floor((y - HEAD) / this.size), Math.floor((x - this.left) / this.size)];
        const isCell = row >= 0 && column >= 0 && row < this.data.rows.length && column < this.data.columns.length;
        return isCell ? [row, column] : null;
    }

    nameOf(line) {
        const { level } = this.view;
        const { recording } = this.scene;
        if (level === 'members') return this.scene.name(line);
        return level === 'regions' ? recording.regions[line] || '–' : this.scene.zoneName(line);
    }

    words([row, column]) {
        const [a, b] = [this.data.rows[row], this.data.columns[column]];
        return `${this.nameOf(a)} → ${this.nameOf(b)}: ${count(this.data.at(a, b))}`;
    }

    redraw() {
        const { recording, from, time } = this.scene;
        this.data = matrix(recording, this.view, from, time);
        const { rows, columns } = this.data;
        const wide = widthOf(this.box);
        const height = Math.min(400, wide + 30);
        const [g, width] = fit(this.canvas, height);
        g.font = FONT;
        const words = [ACCUSER, ...rows.map((row) => this.nameOf(row))];
        const longest = Math.max(...words.map((word) => g.measureText(word).width));
        this.left = Math.min(96, longest + 8);
        const lines = Math.max(rows.length, columns.length, this.view.level === 'members' ? 8 : 1);
        this.size = Math.max(8, Math.min(46, (width - this.left - SUMS) / lines, (height - HEAD - FOOT) / lines));
        g.fillStyle = ink.dim;
        g.fillText('accused →', this.left, 10);
        g.fillText(ACCUSER, 0, HEAD - 9);
        this.drawNames(g);
        this.drawCells(g);
        this.drawSums(g);
        this.drawHeld(g);
        if (this.focus) this.drawFocus(g);
        if (!this.data.total && this.view.level === 'members') {
            g.fillStyle = ink.dim;
            g.fillText('none in this stretch so far', this.left, HEAD + 20);
        }
        this.describe();
    }

    drawNames(g) {
        const { rows, columns } = this.data;
        g.font = FONT;
        g.fillStyle = ink.dim;
        g.textBaseline = 'middle';
        g.textAlign = 'right';
        rows.forEach((row, i) => {
            const y = HEAD + (i + 0.5) * this.size;
            g.fillText(fitted(g, this.nameOf(row), this.left - 8), this.left - 6, y);
        });
        const flat = columns.every((column) => g.measureText(this.nameOf(column)).width <= this.size - 4);
        columns.forEach((column, i) => {
            const x = this.left + (i + 0.5) * this.size;
            if (flat) {
                g.textAlign = 'center';
                g.fillText(this.nameOf(column), x, HEAD - 9);
                return;
            }
            g.save();
            g.translate(x, HEAD - 5);
            g.rotate(-Math.PI / 4);
            g.textAlign = 'left';
            g.fillText(fitted(g, this.nameOf(column), 56), 0, 0);
            g.restore();
        });
        g.textAlign = 'left';
        g.textBaseline = 'alphabetic';
    }

    drawCells(g) {
        const { rows, columns, most, at } = this.data;
        g.textAlign = 'center';
        g.textBaseline = 'middle';
        rows.forEach((row, i) => {
            columns.forEach((column, k) => {
                const n = at(row, column);
                const share = n ? Math.log1p(n) / Math.log1p(most) : 0;
                const [x, y] = [this.left + k * this.size, HEAD + i * this.size];
                g.fillStyle = n ? ink.ramp[Math.min(RAMP - 1, 2 + Math.round((RAMP - 3) * share))] : ink.soft;
                g.fillRect(x + 0.5, y + 0.5, this.size - 1, this.size - 1);
                if (!n || this.size < 22) return;
                g.fillStyle = share > 0.5 ? ink.card : ink.ink;
                g.fillText(short(n), x + this.size / 2, y + this.size / 2);
            });
        });
        g.textAlign = 'left';
        g.textBaseline = 'alphabetic';
    }

    drawSums(g) {
        const { rows, columns, sums } = this.data;
        const words = (n) => (n ? short(n) : '·');
        g.fillStyle = ink.ink;
        g.textBaseline = 'middle';
        g.textAlign = 'right';
        const right = this.left + columns.length * this.size + SUMS - 4;
        rows.forEach((row, i) => g.fillText(words(sums[0].get(row)), right, HEAD + (i + 0.5) * this.size));
        g.fillText('sum', right, HEAD - 9);
        g.textAlign = 'center';
        const below = HEAD + rows.length * this.size + 12;
        if (this.size >= 18) {
            columns.forEach((column, i) => g.fillText(words(sums[1].get(column)), this.left + (i + 0.5) * this.size, below));
        }
        g.textAlign = 'left';
        g.textBaseline = 'alphabetic';
    }

    drawHeld(g) {
        if (this.view.level !== 'zones') return;
        const { rows, columns } = this.data;
        g.strokeStyle = ink.held;
        g.setLineDash([4, 3]);
        g.lineWidth = 1.5;
        columns.forEach((zone, i) => {
            if (!this.scene.timeline.isHeld(zone)) return;
            g.strokeRect(this.left + i * this.size - 0.5, HEAD - 0.5, this.size + 1, rows.length * this.size + 1);
        });
        g.setLineDash([]);
    }

    drawFocus(g) {
        const [row, column] = this.focus;
        g.strokeStyle = ink.accent;
        g.lineWidth = 2;
        g.strokeRect(this.left + column * this.size, HEAD + row * this.size, this.size, this.size);
    }

    describe() {
        const { level, pair } = this.view;
        const names = { regions: this.scene.recording.regions, zones: this.scene.recording.zones.map((z) => z.name) };
        const of = level === 'members' ? names.zones : names.regions;
        const where = pair ? `${of[pair[0]] || '–'} → ${of[pair[1]] || '–'}: ` : '';
        const hidden = this.data.hidden ? `; the busiest lines, ${count(this.data.hidden)} not shown` : '';
        const accusations = this.data.total === 1 ? 'accusation' : 'accusations';
        say(find('#mxsub'), `${where}${count(this.data.total)} ${accusations} so far${hidden}`);
        this.out.hidden = this.path.length === 0;
        this.name();
        const words = `Who accuses whom: ${find('#mxsub').textContent}. ${find('#mxleg').textContent}`;
        this.canvas.setAttribute('aria-label', words);
    }

    // Whose trouble it may be.
    name() {
        const [first] = accusers(this.scene.recording, this.scene.time);
        const line = find('#mxleg');
        const key = first ? `${first[0]} ${first[1].size}` : '';
        if (line.dataset.key === key) return;
        line.dataset.key = key;
        if (!first) {
            line.replaceChildren('Nobody accuses several others.');
            return;
        }
        const onclick = () => this.act.select(first[0]);
        const button = make('button', { class: 'link', type: 'button', text: this.scene.name(first[0]), onclick });
        const within = `Accuses most in the last ${RECENT_MS / 1_000} s: `;
        line.replaceChildren(within, button, `, ${count(first[1].size)} members`);
    }
}
