// Numbers, times and the steps of axes, as a reader sees them.

export const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
export const count = (x) => x.toLocaleString('en');
export const percent = (share) => `${Math.round(share * 100)} %`;

// A short number for an axis or a cell.
export function short(x) {
    if (Math.abs(x) >= 1e6) return `${+(x / 1e6).toFixed(1)} M`;
    if (Math.abs(x) >= 1e4) return `${+(x / 1e3).toFixed(1)} k`;
    return String(+x.toFixed(2));
}

// A time in ms as minutes and seconds, as fine as the span that is looked at needs.
export function stamp(ms, span = Infinity) {
    const digits = span < 1_000 ? 3 : span < 20_000 ? 2 : 1;
    const all = Math.max(0, ms);
    const minutes = Math.floor(all / 60_000);
    // Cut, not rounded: 59.99 s is not yet a minute.
    const scale = 10 ** digits;
    const rest = Math.floor(((all % 60_000) / 1_000) * scale) / scale;
    const seconds = rest.toFixed(digits).padStart(digits + 3, '0');
    const hours = Math.floor(minutes / 60);
    return hours ? `${hours}:${String(minutes % 60).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

export const roundStamp = (ms, span) => stamp(ms, span).replace(/\.0+$/, '');

// A value with the unit that an expectation names.
export function measured(value, unit) {
    if (value === true) return 'yes';
    if (value === false) return 'no';
    if (typeof value !== 'number') return '?';
    if (unit === 's') return value < 1 ? `${Math.round(value * 1_000)} ms` : `${+value.toFixed(1)} s`;
    if (unit === 'B') return value >= 1e4 ? `${+(value / 1_000).toFixed(1)} kB` : `${count(value)} B`;
    return count(value) + (unit ? ` ${unit}` : '');
}

// The next round number at or above x, for steps of axes: 1, 2, 2.5 or 5 times a power of ten.
export function nice(x) {
    const power = 10 ** Math.floor(Math.log10(x));
    const times = [1, 2, 2.5, 5, 10].find((step) => x / power <= step + 1e-9);
    return times * power;
}

const TIMES = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5,
];

// The next round time in ms at or above one.
export const niceTime = (ms) => TIMES.find((step) => step >= ms) ?? 36e5 * Math.ceil(ms / 36e5);

// How many of a list that is sorted by `key` are at or below x.
export function upTo(list, x, key) {
    let low = 0;
    let high = list.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (key(list[middle]) <= x) low = middle + 1;
        else high = middle;
    }
    return low;
}
