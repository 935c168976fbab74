// Lines of a recording, format 1: checked and named. What is wrong with a line is said in words.

import { KINDS, isOfZone } from './words.js';

export const FORMAT = 1;
// More members than this cannot be told apart on any screen.
export const MAX_MEMBERS = 200_000;
// Longer names are cut: they are somebody else's, and one must not fill the page.
export const MAX_NAME = 120;

export class Wrong extends Error {}

const isCount = (x) => Number.isSafeInteger(x) && x >= 0;
const isTime = (x) => typeof x === 'number' && Number.isFinite(x) && x >= 0;
const isWords = (x) => typeof x === 'string';
const need = (holds, words) => {
    if (!holds) throw new Wrong(words);
};
const cut = (name) => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name);

function event([at, word, subject, by = -1, extra = 0]) {
    need(isTime(at), 'an event begins with its time in ms');
    need(isWords(word), 'the second of an event is its word');
    need(isCount(subject), 'the third of an event is the number of a member or zone');
    const zone = isOfZone(word);
    need(word !== 'health' || (isCount(extra) && extra <= 2), 'the health of a member is 0, 1 or 2');
    return {
        kind: 'event',
        at,
        word,
        member: zone ? -1 : subject,
        zone: zone ? subject : -1,
        by: isCount(by) ? by : -1,
        extra: isTime(extra) ? extra : 0,
        known: KINDS.has(word),
    };
}

function head(o) {
    need(o.gossip === FORMAT, `this page reads format ${FORMAT}, and this is format ${o.gossip}`);
    const words = (x) => (isWords(x) ? x : '');
    return {
        kind: 'head',
        source: words(o.source),
        scenario: words(o.scenario ?? o.cluster),
        about: words(o.about),
        end: isTime(o.end) ? o.end : 0,
        node: words(o.node),
        ofNode: o.view === 'node',
        classes: Array.isArray(o.classes) ? o.classes.map(String) : [],
    };
}

function place(o) {
    need(Array.isArray(o.place) && o.place.every(isWords), 'a place is a list of words');
    need(isCount(o.n) && o.n <= MAX_MEMBERS, `a place says how many are there, at most ${MAX_MEMBERS}`);
    need(Array.isArray(o.names) || isWords(o.name), 'a place names its members');
    need(!o.names || (o.names.length === o.n && o.names.every(isWords)), 'a place has a name for each member');
    const step = isCount(o.step) ? o.step : 1;
    const numbered = (i) => o.name + (isCount(o.first) ? o.first + i * step : String(i + 1).padStart(2, '0'));
    const names = Array.from({ length: o.n }, (_, i) => cut(o.names ? o.names[i] : numbered(i)));
    return { kind: 'place', place: o.place.slice(0, 3).map(cut), names };
}

function fault(o) {
    need(isWords(o.fault) && isTime(o.t), 'a fault has a word and a time');
    need(o.to === undefined || isTime(o.to), 'the end of a fault is a time');
    const members = Array.isArray(o.m) ? o.m.filter(isCount) : [];
    const number = (x) => (isCount(x) ? x : -1);
    return {
        kind: 'fault',
        fault: cut(o.fault),
        at: o.t,
        to: o.to ?? null,
        zones: (Array.isArray(o.zones) ? o.zones : [o.zone]).filter(isCount),
        rack: number(o.rack),
        members,
        text: isWords(o.text) ? o.text : o.fault,
    };
}

function second(o) {
    need(isTime(o.s), 'a second has a time');
    const pairs = Array.isArray(o.fp) ? o.fp : [];
    need(pairs.every((p) => Array.isArray(p) && isWords(p[0]) && isCount(p[1])), 'fp is pairs of words and counts');
    const accusations = Array.isArray(o.acc) ? o.acc : [];
    need(accusations.every((a) => Array.isArray(a) && a.length === 3 && a.every(isCount)), 'acc is threes of counts');
    return {
        kind: 'second',
        at: o.s,
        run: isCount(o.run) ? o.run : 0,
        bytes: Array.isArray(o.b) ? o.b.map((x) => (isTime(x) ? x : 0)) : null,
        views: pairs.length ? pairs : null,
        accusations: Array.isArray(o.acc) ? accusations : null,
    };
}

// When each member heard, in ms after the news; 65,535 for never.
function heard(text) {
    let bytes;
    try {
        bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    } catch {
        throw new Wrong('when members heard is not base64');
    }
    need(bytes.length % 2 === 0, 'when members heard is not pairs of bytes');
    const view = new DataView(bytes.buffer);
    return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
}

function spread(o) {
    need(isTime(o.t) && isCount(o.m) && isWords(o.heard), 'a spread has a time, a member and who heard when');
    return { kind: 'spread', at: o.t, member: o.m, what: isWords(o.what) ? cut(o.what) : 'news', heard: heard(o.heard) };
}

function lag(o) {
    const counts = (x) => (Array.isArray(x) && x.every(isCount) ? x : []);
    return { kind: 'lag', nodes: counts(o.lag?.nodes), seen: counts(o.lag?.seen) };
}

function expectation(o) {
    need(isWords(o.expect), 'an expectation has a name');
    const words = isWords(o.words) ? o.words : o.expect;
    const bound = ['max', 'min', 'is'].find((key) => o[key] !== undefined) ?? '';
    const unit = isWords(o.unit) ? o.unit : '';
    return { kind: 'expect', name: o.expect, words, unit, bound, limit: o[bound], got: o.got, holds: o.ok === true };
}

// A member whose name came after it.
function named(o) {
    need(isCount(o.named) && isWords(o.name), 'a name is of a member');
    return { kind: 'named', member: o.named, name: cut(o.name) };
}

const READERS = [
    ['gossip', head],
    ['place', place],
    ['fault', fault],
    ['spread', spread],
    ['s', second],
    ['expect', expectation],
    ['lag', lag],
    ['named', named],
    ['absent', (o) => ({ kind: 'absent', members: Array.isArray(o.absent) ? o.absent.filter(isCount) : [] })],
    ['ended', (o) => ({ kind: 'ended', at: isTime(o.ended) ? o.ended : 0, dropped: isCount(o.dropped) ? o.dropped : 0 })],
];

// What a line says; null for what a later writer may have added. Throws `Wrong`.
export function parseLine(text) {
    let o;
    try {
        o = JSON.parse(text);
    } catch {
        throw new Wrong(`not JSON: ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`);
    }
    if (Array.isArray(o)) return event(o);
    need(o !== null && typeof o === 'object', 'neither an event nor an object');
    const reader = READERS.find(([key]) => key in o);
    return reader ? reader[1](o) : null;
}

// All lines of a file. Throws `Wrong` with the number of the first line that is wrong.
export function parseFile(text) {
    const lines = [];
    let number = 0;
    for (const line of text.split('\n')) {
        number += 1;
        if (!line.trim()) continue;
        try {
            const parsed = parseLine(line);
            if (!lines.length) need(parsed?.kind === 'head', 'a recording begins with a line {"gossip":1, …}');
            if (parsed) lines.push({ ...parsed, line: number });
        } catch (error) {
            if (!(error instanceof Wrong)) throw error;
            throw new Wrong(`line ${number}: ${error.message}`);
        }
    }
    need(lines.length > 0, 'the file is empty');
    return lines;
}
