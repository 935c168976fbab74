// The words of a recording, and those for a reader: states of members, kinds of events, sentences.

// States, by what counts first. A picture of the map stores them as bytes.
export const ABSENT = 0;
export const ALIVE = 1;
export const DEGRADED = 2;
export const UNHEALTHY = 3;
export const UNREACHABLE = 4;
export const HELD = 5;
export const SUSPECT = 6;
export const DEAD = 7;
export const LEFT = 8;
// Marks of events that change no state.
export const ACCUSES = 9;
export const NEWS = 10;

export const STATES = [
    'not a member',
    'alive',
    'degraded',
    'unhealthy',
    'unreachable',
    'quarantined',
    'suspect',
    'dead',
    'left',
];
export const HEALTH = ['healthy', 'degraded', 'unhealthy'];
export const STATUS = ['alive', 'suspect', 'dead', 'left'];

// Kinds of events: the label of their filter, and the mark before their sentence. Those after the divide are many, and
// are not listed until asked for.
export const KINDS = new Map([
    ['suspected', { label: 'suspected', mark: SUSPECT }],
    ['cleared', { label: 'refuted', mark: ALIVE }],
    ['down', { label: 'died', mark: DEAD }],
    ['up', { label: 'up', mark: ALIVE }],
    ['left', { label: 'left', mark: LEFT }],
    ['zone_held', { label: 'quarantined', mark: HELD }],
    ['zone_released', { label: 'released', mark: ALIVE }],
    ['health', { label: 'health', mark: DEGRADED }],
    ['unreachable', { label: 'unreachable', mark: UNREACHABLE }],
    ['reachable', { label: 'reachable', mark: ALIVE }],
    ['forgotten', { label: 'forgotten', mark: ABSENT }],
    ['accused', { label: 'accused', mark: ACCUSES }],
    ['updated', { label: 'updated', mark: NEWS }],
]);
export const QUIET = ['accused', 'updated'];

// Members are put in by their place line; this is no word of the recording.
export const PLACED = 'placed';

export const isOfZone = (word) => word === 'zone_held' || word === 'zone_released';

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

// An event as a sentence. `named` gives the name of a member, `zoneNamed` that of a zone.
export function sentence(event, named, zoneNamed) {
    const who = isOfZone(event.word) ? `zone ${zoneNamed(event.zone)}` : named(event.member);
    const by = event.by >= 0 ? named(event.by) : '';
    switch (event.word) {
        case 'suspected':
            return by ? `${who} is suspected by ${by}` : `${who} is suspected`;
        case 'cleared':
            return `${who} refutes the suspicion`;
        case 'down': {
            const known = event.extra > 0 ? `; all know in ${seconds(event.extra)}` : '';
            return `${by ? `${by} declares ${who} dead` : `${who} is declared dead`}${known}`;
        }
        case 'up':
            return `${who} is up`;
        case 'left':
            return `${who} leaves`;
        case 'updated':
            return `${who} publishes an update`;
        case 'health':
            return `${who} is ${HEALTH[event.extra]}`;
        case 'accused':
            return by ? `${by} cannot reach ${who}` : `${who} cannot be reached`;
        case 'zone_held':
            return event.extra > 1 ? `${who} is quarantined by ${event.extra}` : `${who} is quarantined`;
        case 'zone_released':
            return `${who} is no longer quarantined`;
        default:
            return `${who} is ${event.word}`;
    }
}
