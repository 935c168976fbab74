// Who was in trouble, and when: a row for each member, or for several where there are many.

import { faultBands, timeAxis } from './axes.js';
import { Tip, find, findAll, isNarrow, isWide, press, say, within } from './dom.js';
import { count } from './format.js';
import { FONT, colourOf, fit, fitted, ink } from './ink.js';
import { Troubles } from './troubles.js';
import { DEAD, HELD, LEFT, SUSPECT } from './words.js';

const TOP = 8;
const RIGHT = 6;
const FOOT = 26;
const STATES = [HELD, LEFT, SUSPECT, DEAD];
// From this height on, a row has room for its name.
const NAMED = 11;

export class Heat {
    constructor(scene, act) {
        this.scene = scene;
        this.rows = 'affected';
        this.box = find('#heat');
        this.canvas = find('canvas', this.box);
        this.cursor = find('.cur', this.box);
        this.tip = new Tip(this.box);
        const buttons = findAll('#rows button');
        for (const button of buttons) {
            button.onclick = () => {
                this.rows = button.dataset.rows;
                press(buttons, button);
                this.redraw();
            };
        }
        this.box.onpointermove = (event) => {
            const [x, y] = within(event, this.box);
            const row = this.rowAt(y);
            this.tip.show(x, y, row ? this.rowName(row) + (this.per > 1 ? ' …' : '') : '');
        };
        this.box.onpointerleave = () => this.tip.hide();
        this.box.onclick = (event) => {
            const [x, y] = within(event, this.box);
            const row = this.rowAt(y);
            const share = (x - this.left) / (this.right - this.left);
            if (x >= this.left) act.go(scene.from + share * scene.span);
            if (row && row.member >= 0) act.select(row.member);
        };
    }

    rowAt(y) {
        return this.list[Math.floor((y - TOP) / this.rowHeight) * this.per];
    }

    rowName(row) {
        return row.zone >= 0 ? `zone ${this.scene.zoneName(row.zone)}` : this.scene.name(row.member);
    }

    stretchesOf(row) {
        const { troubles, zoneOf } = this.scene.recording;
        if (row.zone >= 0) return troubles.ofZone.get(row.zone) ?? [];
        const own = troubles.ofMember.get(row.member) ?? [];
        if (this.rows === 'affected') return own;
        return [...own, ...(troubles.ofZone.get(zoneOf[row.member]) ?? [])];
    }

    // The rows, those of one fault together.
    collect() {
        const { recording, from, to } = this.scene;
        const { troubles, faults, rackOf, zoneOf } = recording;
        const zones = Troubles.within(troubles.ofZone, from, to);
        const members = Troubles.within(troubles.ofMember, from, to);
        this.affected = { zones: zones.length, members: members.length };
        if (this.rows === 'all') {
            const all = [...recording.names.keys()].sort((a, b) => zoneOf[a] - zoneOf[b] || rackOf[a] - rackOf[b]);
            return all.map((member) => ({ member, zone: -1 }));
        }
        const began = (list) => {
            const first = list.find((stretch) => stretch.to >= from).from;
            return faults.findLast((fault) => fault.at <= first)?.at ?? first;
        };
        const rows = [
            ...zones.map((zone) => ({ zone, member: -1, rack: -1, at: began(troubles.ofZone.get(zone)) })),
            ...members.map((member) => ({ zone: -1, member, rack: rackOf[member], at: began(troubles.ofMember.get(member)) })),
        ];
        return rows.sort((a, b) => a.at - b.at || a.rack - b.rack || a.member - b.member);
    }

    redraw() {
        const { scene } = this;
        this.list = this.collect();
        const height = isNarrow() ? 300 : isWide() ? 500 : 380;
        const [g, width] = fit(this.canvas, height);
        const room = height - FOOT - TOP;
        this.per = Math.max(1, Math.ceil(this.list.length / Math.floor(room / 2)));
        const rows = Math.ceil(this.list.length / this.per);
        this.rowHeight = Math.min(18, room / Math.max(1, rows));
        this.left = isNarrow() ? 92 : 132;
        this.right = width - RIGHT;
        this.x = (time) => this.left + ((time - scene.from) / scene.span) * (this.right - this.left);
        faultBands(g, scene.recording.faults, this.x, this.left, this.right, TOP, TOP + room);
        g.textBaseline = 'middle';
        if (this.rows === 'all') this.drawZoneNames(g);
        else if (this.rowHeight < NAMED) this.drawGroupNames(g);
        for (let row = 0; row < rows; row += 1) this.drawRow(g, row);
        g.textBaseline = 'alphabetic';
        timeAxis(g, scene.from, scene.to, this.x, this.left, this.right, height - 4, 110);
        if (!this.list.length) {
            g.fillStyle = ink.dim;
            g.fillText('Nobody was in trouble in this stretch.', this.left + 10, 40);
        }
        this.cursor.style.height = `${room}px`;
        this.cursor.style.top = `${TOP}px`;
        this.describe();
        this.move();
    }

    describe() {
        const { zones, members } = this.affected;
        const all = count(this.scene.recording.members);
        const also = zones ? `, ${zones} ${zones === 1 ? 'zone' : 'zones'}` : '';
        const words = this.rows === 'affected' ? `${count(members)} of ${all} members${also}` : `all ${all} members`;
        const text = words + (this.per > 1 ? `; a row is ${this.per}` : '');
        say(find('#heatsub'), text);
        this.canvas.setAttribute('aria-label', `Who was in trouble, and when: ${text}`);
    }

    // Every zone's name where its rows begin, as far as there is room.
    drawZoneNames(g) {
        const { zoneOf } = this.scene.recording;
        let last = -1;
        let used = -Infinity;
        g.font = FONT;
        this.list.forEach(({ member }, i) => {
            const zone = zoneOf[member];
            if (zone === last) return;
            last = zone;
            const y = TOP + Math.floor(i / this.per) * this.rowHeight;
            g.strokeStyle = ink.line;
            g.lineWidth = 1;
            g.beginPath();
            g.moveTo(this.left, y + 0.5);
            g.lineTo(this.right, y + 0.5);
            g.stroke();
            if (y - used < 12) return;
            used = y;
            g.fillStyle = ink.dim;
            g.fillText(fitted(g, this.scene.zoneName(zone), this.left - 8), 0, y + 7);
        });
    }

    // Where rows are too low for names: names of groups, those first that were in trouble the longest.
    drawGroupNames(g) {
        const { recording, from, to } = this.scene;
        const groups = [];
        const { list } = this;
        for (let i = 0; i < list.length; ) {
            const row = list[i];
            let end = i + 1;
            while (end < list.length && row.rack >= 0 && list[end].rack === row.rack) end += 1;
            let long = 0;
            for (const each of list.slice(i, end)) {
                for (const stretch of this.stretchesOf(each)) {
                    long += Math.max(0, Math.min(stretch.to, to) - Math.max(stretch.from, from));
                }
            }
            const alone = end - i === 1;
            const words = alone ? this.rowName(row) : `${recording.racks[row.rack].name} × ${count(end - i)}`;
            groups.push({ long, y: TOP + Math.floor(i / this.per) * this.rowHeight + 6, words });
            i = end;
        }
        const used = [];
        g.font = FONT;
        g.fillStyle = ink.dim;
        for (const { y, words } of groups.sort((a, b) => b.long - a.long)) {
            if (used.some((other) => Math.abs(other - y) < 12)) continue;
            used.push(y);
            g.fillText(fitted(g, words, this.left - 8), 0, y);
        }
    }

    // How many members of a row were in which state, by pixel.
    columnsOf(rows) {
        const width = Math.ceil(this.right - this.left);
        const counts = new Map();
        for (const row of rows) {
            for (const { from, to, state } of this.stretchesOf(row)) {
                const first = Math.max(0, Math.floor(this.x(from) - this.left));
                const last = Math.min(width, Math.ceil(this.x(Math.min(to, this.scene.to)) - this.left));
                if (last <= 0 || first >= width) continue;
                const columns = counts.get(state) ?? new Uint16Array(width);
                counts.set(state, columns);
                for (let c = first; c < Math.min(width, Math.max(last, first + 2)); c += 1) columns[c] += 1;
            }
        }
        return counts;
    }

    drawRow(g, row) {
        const y = TOP + row * this.rowHeight;
        const height = Math.max(1, this.rowHeight - (this.rowHeight > 5 ? 1.5 : this.rowHeight > 2.5 ? 0.5 : 0));
        const rows = this.list.slice(row * this.per, (row + 1) * this.per);
        if (this.rowHeight >= NAMED) {
            g.font = FONT;
            if (this.rows === 'affected') {
                g.fillStyle = ink.dim;
                g.fillText(fitted(g, this.rowName(rows[0]), this.left - 8), 0, y + this.rowHeight / 2);
            }
            g.fillStyle = ink.soft;
            g.fillRect(this.left, y + (height - 1) / 2, this.right - this.left, 1);
        }
        const counts = this.columnsOf(rows);
        for (const state of STATES) {
            const columns = counts.get(state);
            if (!columns) continue;
            g.fillStyle = colourOf(state);
            // Told by height as well: left is a line, and suspect is lower than dead.
            const part = state === LEFT ? 1 / 3 : state === SUSPECT && this.per === 1 && this.rowHeight > 6 ? 0.6 : 1;
            for (let first = 0; first < columns.length; ) {
                const n = columns[first];
                let end = first + 1;
                while (end < columns.length && columns[end] === n) end += 1;
                if (n) {
                    const share = 0.55 + 0.45 * Math.min(1, (n / rows.length) * 3);
                    g.globalAlpha = state === HELD ? 0.4 : this.per > 1 ? share : 1;
                    g.fillRect(this.left + first, y + (height - height * part) / 2, end - first, height * part);
                }
                first = end;
            }
        }
        g.globalAlpha = 1;
    }

    move() {
        this.cursor.hidden = false;
        this.cursor.style.transform = `translateX(${this.x(this.scene.time)}px)`;
    }
}
