// Who accuses whom: counts between regions, zones and members.

import { upTo } from './format.js';

// How far back 'now' reaches for accusations, in ms.
export const RECENT_MS = 30_000;
// Rows and columns that can still be read side by side.
export const MAX_LINES = 24;
// Whoever accuses fewer members than this does as anybody would.
const SEVERAL = 4;

// Those who accuse several members: the trouble may be their own. The most first, as [member, set of accused].
export function accusers(recording, time) {
    const found = new Map();
    for (const event of recording.timeline.back(time - RECENT_MS)) {
        if (event.word !== 'accused' || event.by < 0) continue;
        const accused = found.get(event.by) ?? new Set();
        found.set(event.by, accused.add(event.member));
    }
    return [...found].filter(([, accused]) => accused.size >= SEVERAL).sort((a, b) => b[1].size - a[1].size);
}

// How often each member was accused of late.
export function accusedCounts(recording, time) {
    const counts = new Uint16Array(recording.members);
    for (const event of recording.timeline.back(time - RECENT_MS)) {
        if (event.word === 'accused') counts[event.member] += 1;
    }
    return counts;
}

// Whom a member accused of late, and who accused it.
export function between(recording, member, time) {
    const by = new Set();
    const accuses = new Set();
    for (const event of recording.timeline.back(time - RECENT_MS)) {
        if (event.word !== 'accused') continue;
        if (event.member === member && event.by >= 0) by.add(event.by);
        if (event.by === member) accuses.add(event.member);
    }
    return { by, accuses };
}

// Every accusation from `from` to `time` as (accuser's zone, accused's zone, count). Seconds count all of them; where
// there are none, the events that were told one by one have to do.
function* zonePairs(recording, from, time) {
    const { seconds } = recording;
    if (seconds.some((second) => second.accusations)) {
        const first = upTo(seconds, from - 1, (second) => second.at);
        for (let i = first; i < seconds.length && seconds[i].at <= time; i += 1) {
            for (const [a, b, n] of seconds[i].accusations ?? []) {
                if (a < recording.zones.length && b < recording.zones.length) yield [a, b, n];
            }
        }
        return;
    }
    for (const event of recording.timeline.back(from)) {
        if (event.word !== 'accused' || event.by < 0) continue;
        yield [recording.zoneOf[event.by], recording.zoneOf[event.member], 1];
    }
}

function* memberPairs(recording, from, pair) {
    for (const event of recording.timeline.back(from)) {
        if (event.word !== 'accused' || event.by < 0) continue;
        if (recording.zoneOf[event.by] !== pair[0] || recording.zoneOf[event.member] !== pair[1]) continue;
        yield [event.by, event.member, 1];
    }
}

// The levels of the matrix that a recording needs: regions only where its zones cannot stand side by side.
export const firstLevel = (recording) => (recording.zones.length > MAX_LINES ? 'regions' : 'zones');

// The lines with the most counts, in their own order, and how many were left out.
function busiest(lines, sums) {
    if (lines.length <= MAX_LINES) return { shown: lines, hidden: 0 };
    const kept = [...lines].sort((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0)).slice(0, MAX_LINES);
    return { shown: kept.sort((a, b) => a - b), hidden: lines.length - MAX_LINES };
}

// What is looked at: `{ level: 'regions' }`, `{ level: 'zones', pair: [region, region] | null }` or
// `{ level: 'members', pair: [zone, zone] }`.
export function matrix(recording, view, from, time) {
    const { zones, regions } = recording;
    const counts = new Map();
    const sums = [new Map(), new Map()];
    const put = (a, b, n) => {
        const key = `${a} ${b}`;
        counts.set(key, (counts.get(key) ?? 0) + n);
        sums[0].set(a, (sums[0].get(a) ?? 0) + n);
        sums[1].set(b, (sums[1].get(b) ?? 0) + n);
    };
    const regionOf = zones.map((zone) => regions.indexOf(zone.region));
    let lines;
    if (view.level === 'members') {
        for (const [a, b, n] of memberPairs(recording, from, view.pair)) put(a, b, n);
        lines = sums.map((sum) => [...sum.keys()]);
    } else if (view.level === 'regions') {
        for (const [a, b, n] of zonePairs(recording, from, time)) put(regionOf[a], regionOf[b], n);
        lines = [[...regions.keys()], [...regions.keys()]];
    } else {
        const inside = (zone, side) => !view.pair || regionOf[zone] === view.pair[side];
        for (const [a, b, n] of zonePairs(recording, from, time)) if (inside(a, 0) && inside(b, 1)) put(a, b, n);
        lines = [0, 1].map((side) => [...zones.keys()].filter((zone) => inside(zone, side)));
    }
    const rows = busiest(lines[0], sums[0]);
    const columns = busiest(lines[1], sums[1]);
    const total = [...sums[0].values()].reduce((a, b) => a + b, 0);
    const most = Math.max(0, ...counts.values());
    const at = (row, column) => counts.get(`${row} ${column}`) ?? 0;
    return { rows: rows.shown, columns: columns.shown, hidden: rows.hidden + columns.hidden, sums, total, most, at };
}
