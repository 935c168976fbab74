// A recording, or a stream as far as it has come: who there is and where, and all that happened.

import { MAX_MEMBERS, Wrong } from './parse.js';
import { Timeline } from './timeline.js';
import { Troubles } from './troubles.js';
import { PLACED } from './words.js';

// Of a stream, this much is kept; of a file, everything.
export const HISTORY_MS = 600_000;
export const MAX_EVENTS = 50_000;
export const MAX_SPREADS = 50;
export const MAX_FAULTS = 500;
// The history is trimmed this often, in ms of the stream.
const TRIM_MS = 10_000;

const blank = { source: '', scenario: '', about: '', node: '', end: 0, ofNode: false, classes: [] };

export class Recording {
    constructor(isLive = false) {
        this.isLive = isLive;
        this.head = blank;
        this.names = [];
        this.zoneOf = [];
        this.rackOf = [];
        this.regions = [];
        this.zones = [];
        this.racks = [];
        this.timeline = new Timeline();
        this.troubles = new Troubles();
        this.seconds = [];
        this.faults = [];
        this.spreads = [];
        this.expectations = [];
        this.lag = null;
        this.start = 0;
        this.isBegun = false;
        this.end = 0;
        this.dropped = 0;
        this.forgotten = 0;
        // How many events there are of each word.
        this.counts = new Map();
        // The page's members by the recording's numbers: who is told of twice is the same one.
        this.byNumber = [];
        this.byName = new Map();
        this.racksByName = new Map();
        this.zonesByName = new Map();
        this.racksByNumber = [];
        this.trimmed = 0;
    }

    static ofFile(lines) {
        const recording = new Recording();
        // What has no time of its own stays behind what it followed.
        let latest = 0;
        const timed = lines.map((line) => {
            const own = line.kind === 'event' || line.kind === 'second' ? line.at : latest;
            latest = Math.max(latest, own);
            return [own, line];
        });
        timed.sort((a, b) => a[0] - b[0]);
        for (const [, line] of timed) {
            try {
                recording.add(line);
            } catch (error) {
                if (error instanceof Wrong) throw new Wrong(`line ${line.line}: ${error.message}`);
                throw error;
            }
        }
        return recording;
    }

    add(line) {
        switch (line.kind) {
            case 'head':
                this.head = line;
                this.end = Math.max(this.end, line.end);
                break;
            case 'place':
                this.addPlace(line);
                break;
            case 'named':
                this.rename(line);
                break;
            case 'absent':
                for (const number of line.members) this.setAbsent(number);
                break;
            case 'event':
                this.addEvent(line);
                break;
            case 'second':
                this.addSecond(line);
                break;
            case 'fault':
                this.addFault(line);
                break;
            case 'spread':
                this.addSpread(line);
                break;
            case 'lag':
                this.lag = line.nodes.some(Boolean) || line.seen.some(Boolean) ? line : null;
                break;
            case 'expect':
                this.expectations.push(line);
                break;
            case 'ended':
                this.end = Math.max(this.end, line.at);
                this.dropped = line.dropped;
                break;
        }
        if (this.isLive && this.end - this.trimmed >= TRIM_MS) this.trim();
    }

    get members() {
        return this.names.length;
    }

    // Where the history begins: at 0, or as far back as is kept.
    get from() {
        return this.isLive ? Math.max(this.start, this.end - HISTORY_MS) : 0;
    }

    addPlace({ place, names }) {
        if (this.names.length + names.length > MAX_MEMBERS) {
            throw new Wrong(`more than ${MAX_MEMBERS} members: this page cannot show them`);
        }
        const zone = this.zoneNumber(place[0] ?? '', place[1] ?? '');
        const rack = this.rackNumber(place, zone);
        this.racksByNumber.push(rack);
        const started = this.timeline.events.length > 0 || this.seconds.length > 0;
        const fresh = [];
        for (const name of names) {
            let member = this.byName.get(name);
            if (member === undefined) {
                member = this.names.push(name) - 1;
                this.byName.set(name, member);
                fresh.push(member);
                this.racks[rack].members.push(member);
            } else if (this.rackOf[member] !== rack) {
                this.leaveRack(member);
                this.racks[rack].members.push(member);
            }
            this.zoneOf[member] = zone;
            this.rackOf[member] = rack;
            this.byNumber.push(member);
        }
        this.timeline.grow(this.zoneOf, this.zones.length, !started);
        // Whoever is told of later came then.
        if (!started) return;
        const placed = { at: this.end, word: PLACED, zone: -1, by: -1, extra: 0 };
        for (const member of fresh) this.happen({ ...placed, member });
    }

    // A name that another has already stays with the other.
    rename({ member: number, name }) {
        const member = this.byNumber[number];
        if (member === undefined || this.byName.has(name)) return;
        this.byName.delete(this.names[member]);
        this.byName.set(name, member);
        this.names[member] = name;
    }

    leaveRack(member) {
        const { members } = this.racks[this.rackOf[member]];
        members.splice(members.indexOf(member), 1);
    }

    zoneNumber(region, word) {
        const name = `${region || '–'}/${word || '–'}`;
        let zone = this.zonesByName.get(name);
        if (zone === undefined) {
            if (!this.regions.includes(region)) this.regions.push(region);
            zone = this.zones.push({ name, word: word || '–', region, racks: [] }) - 1;
            this.zonesByName.set(name, zone);
        }
        return zone;
    }

    rackNumber(place, zone) {
        const name = place.filter(Boolean).join('/') || '–';
        const key = `${zone} ${place[2] ?? ''}`;
        let rack = this.racksByName.get(key);
        if (rack === undefined) {
            rack = this.racks.push({ name, zone, members: [] }) - 1;
            this.racksByName.set(key, rack);
            this.zones[zone].racks.push(rack);
        }
        return rack;
    }

    setAbsent(number) {
        const member = this.byNumber[number];
        if (member !== undefined) this.timeline.setAbsent(member);
    }

    addEvent(line) {
        const member = line.member >= 0 ? this.byNumber[line.member] : -1;
        if (member === undefined) throw new Wrong(`member ${line.member} has no place line before it`);
        if (line.zone >= this.zones.length) throw new Wrong(`zone ${line.zone} has no place line before it`);
        const at = Math.max(line.at, this.timeline.events.at(-1)?.at ?? 0);
        const by = line.by >= 0 ? (this.byNumber[line.by] ?? -1) : -1;
        this.happen({ at, word: line.word, member, zone: line.zone, by, extra: line.extra });
    }

    happen(event) {
        this.timeline.push(event);
        this.troubles.push(event);
        this.counts.set(event.word, (this.counts.get(event.word) ?? 0) + 1);
        this.begin(event.at);
        this.end = Math.max(this.end, event.at);
    }

    // A stream begins where its first event or second is.
    begin(at) {
        if (this.isLive && !this.isBegun) this.start = at;
        this.isBegun = true;
    }

    addSecond(line) {
        this.begin(line.at);
        const last = this.seconds.at(-1);
        if (!last || line.at > last.at) this.seconds.push(line);
        this.end = Math.max(this.end, line.at);
    }

    addFault(line) {
        const members = line.members.map((number) => this.byNumber[number]).filter((m) => m !== undefined);
        const zones = line.zones.filter((zone) => zone < this.zones.length);
        this.faults.push({ ...line, members, zones, rack: this.racksByNumber[line.rack] ?? -1 });
        this.faults.sort((a, b) => a.at - b.at);
        if (this.faults.length > MAX_FAULTS) this.faults.shift();
    }

    addSpread(line) {
        const member = this.byNumber[line.member];
        if (member === undefined) throw new Wrong(`member ${line.member} has no place line before it`);
        const times = [...line.heard].filter((ms) => ms < 65_535).sort((a, b) => a - b);
        const quantile = (q) => times[Math.min(times.length, Math.max(1, Math.ceil(q * times.length))) - 1] ?? 0;
        const max = times.at(-1) || 1;
        const after = (m) => line.heard[m] ?? 65_535;
        this.spreads.push({ at: line.at, member, what: line.what, all: line.heard.length, times, max, quantile, after });
        if (this.isLive && this.spreads.length > MAX_SPREADS) this.spreads.shift();
    }

    trim() {
        this.trimmed = this.end;
        const oldest = this.end - HISTORY_MS;
        const { events } = this.timeline;
        const before = events.slice();
        const gone = this.timeline.trim(oldest) + this.timeline.keep(MAX_EVENTS);
        for (const event of before.slice(0, gone)) this.counts.set(event.word, this.counts.get(event.word) - 1);
        this.forgotten += gone;
        this.troubles.trim(oldest);
        const old = this.seconds.findIndex((second) => second.at >= oldest);
        this.seconds.splice(0, old < 0 ? this.seconds.length : old);
        this.spreads = this.spreads.filter((spread) => spread.at >= oldest);
        this.faults = this.faults.filter((fault) => (fault.to ?? fault.at) >= oldest);
    }
}
