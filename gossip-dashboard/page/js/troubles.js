// Stretches of time in which a member was suspect, dead or gone, or a zone was held.

import { DEAD, HELD, LEFT, SUSPECT, isOfZone } from './words.js';

const BEGINS = { suspected: SUSPECT, down: DEAD, left: LEFT, zone_held: HELD };
const ENDS = new Set(['cleared', 'up', 'forgotten', 'zone_released']);

export class Troubles {
    constructor() {
        this.ofMember = new Map();
        this.ofZone = new Map();
    }

    push(event) {
        const state = BEGINS[event.word];
        if (!state && !ENDS.has(event.word)) return;
        const [map, key] = isOfZone(event.word) ? [this.ofZone, event.zone] : [this.ofMember, event.member];
        const stretches = map.get(key) ?? [];
        const open = stretches.at(-1);
        if (open && open.to === Infinity) {
            if (open.state === state) return;
            open.to = event.at;
            open.confirmed = open.state === SUSPECT && state === DEAD;
        }
        if (state) {
            stretches.push({ from: event.at, to: Infinity, state, confirmed: false });
            map.set(key, stretches);
        }
    }

    // Forgets what had ended before a time.
    trim(time) {
        for (const map of [this.ofMember, this.ofZone]) {
            for (const [key, stretches] of map) {
                const kept = stretches.filter((stretch) => stretch.to >= time);
                if (kept.length) map.set(key, kept);
                else map.delete(key);
            }
        }
    }

    // The keys of a map whose stretches meet a window.
    static within(map, from, to) {
        const meets = (stretch) => stretch.to >= from && stretch.from <= to;
        return [...map.keys()].filter((key) => map.get(key).some(meets));
    }
}
