// The state of every member at any time: events, and copies of the state between them.

import {
    ABSENT, ALIVE, DEAD, DEGRADED, HELD, LEFT, PLACED, SUSPECT, UNHEALTHY, UNREACHABLE,
} from './words.js';

// One byte a member: status in two bits, health in two, then flags.
const STATUS = 3;
const HEALTH = 12;
const UNREACHED = 16;
const GONE = 32;
// Events between two copies of the state.
const STEP = 512;

class State {
    constructor(members = 0, zones = 0) {
        this.members = new Uint8Array(members);
        this.held = new Uint8Array(zones);
    }

    copy() {
        const state = new State();
        state.members = this.members.slice();
        state.held = this.held.slice();
        return state;
    }

    // Takes over another state; members that it does not know yet are not there.
    set(other) {
        this.members.fill(GONE);
        this.members.set(other.members);
        this.held.fill(0);
        this.held.set(other.held);
    }

    grow(members, zones) {
        const old = { members: this.members, held: this.held };
        this.members = new Uint8Array(members);
        this.held = new Uint8Array(zones);
        this.set(old);
    }

    apply(event) {
        const { members, held } = this;
        const m = event.member;
        switch (event.word) {
            case 'suspected':
                members[m] = (members[m] & ~STATUS) | 1;
                break;
            case 'cleared':
                members[m] &= ~STATUS;
                break;
            case 'down':
                members[m] = (members[m] & ~STATUS) | 2;
                break;
            case 'left':
                members[m] = (members[m] & ~STATUS) | 3;
                break;
            case 'up':
            case PLACED:
                members[m] &= ~(STATUS | GONE);
                break;
            case 'forgotten':
                members[m] |= GONE;
                break;
            case 'health':
                members[m] = (members[m] & ~HEALTH) | (event.extra << 2);
                break;
            case 'unreachable':
                members[m] |= UNREACHED;
                break;
            case 'reachable':
                members[m] &= ~UNREACHED;
                break;
            case 'zone_held':
                held[event.zone] = 1;
                break;
            case 'zone_released':
                held[event.zone] = 0;
                break;
        }
    }
}

export class Timeline {
    constructor() {
        this.events = [];
        this.zoneOf = [];
        this.last = new State();
        this.now = new State();
        // The state before every STEP-th event.
        this.frames = [];
        // Of `now`: how many events it has seen.
        this.seen = 0;
    }

    // Members up to a number are known from now on; `there` says whether they have been from the start.
    grow(zoneOf, zones, there) {
        const before = this.last.members.length;
        this.zoneOf = zoneOf;
        for (const state of [this.last, this.now]) {
            state.grow(zoneOf.length, zones);
            if (there) state.members.fill(0, before);
        }
        if (there && this.frames.length) this.frames[0] = this.now.copy();
    }

    setAbsent(member) {
        for (const state of [this.last, this.now]) state.members[member] |= GONE;
        if (this.frames.length) this.frames[0].members[member] |= GONE;
    }

    push(event) {
        if (this.events.length % STEP === 0) this.frames.push(this.last.copy());
        this.events.push(event);
        this.last.apply(event);
    }

    // Forgets whole steps of events that are older than a time; says how many.
    trim(time) {
        let steps = 0;
        while (steps + 1 < this.frames.length && this.events[(steps + 1) * STEP - 1].at < time) steps += 1;
        return this.forget(steps);
    }

    // Forgets the oldest events so that not many more than `most` remain; says how many.
    keep(most) {
        return this.forget(Math.max(0, Math.floor((this.events.length - most) / STEP)));
    }

    forget(steps) {
        if (!steps) return 0;
        const gone = steps * STEP;
        this.events.splice(0, gone);
        this.frames.splice(0, steps);
        this.seen -= gone;
        if (this.seen < 0) {
            this.now.set(this.frames[0] ?? this.last);
            this.seen = 0;
        }
        return gone;
    }

    // Moves `now` to a time.
    seek(time) {
        const { events, frames } = this;
        let low = 0;
        let high = events.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (events[middle].at <= time) low = middle + 1;
            else high = middle;
        }
        const frame = Math.min(Math.floor(low / STEP), frames.length - 1);
        if (frames.length && (low < this.seen || frame * STEP > this.seen)) {
            this.now.set(frames[frame]);
            this.seen = frame * STEP;
        }
        while (this.seen < low) this.now.apply(events[this.seen++]);
    }

    // What is shown of a member: the worst that is known.
    shown(member) {
        const byte = this.now.members[member];
        if (byte & GONE) return ABSENT;
        const status = byte & STATUS;
        if (status) return [ALIVE, SUSPECT, DEAD, LEFT][status];
        if (this.now.held[this.zoneOf[member]]) return HELD;
        if (byte & UNREACHED) return UNREACHABLE;
        return [ALIVE, DEGRADED, UNHEALTHY, UNHEALTHY][(byte & HEALTH) >> 2];
    }

    isHeld(zone) {
        return this.now.held[zone] === 1;
    }

    detail(member) {
        const byte = this.now.members[member];
        const held = this.isHeld(this.zoneOf[member]);
        const health = (byte & HEALTH) >> 2;
        const status = byte & STATUS;
        const gone = (byte & GONE) !== 0;
        const reached = !held && !(byte & UNREACHED);
        return { gone, status, health, held, reached, routable: !gone && status < 2 && reached && health < 2 };
    }

    // The events that have happened by `now`, the latest first, back to a time.
    *back(from) {
        for (let i = this.seen - 1; i >= 0 && this.events[i].at > from; i -= 1) yield this.events[i];
    }
}
