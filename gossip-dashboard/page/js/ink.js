// Colours, marks and canvases. A state is told by its shape as well as by its colour.

import {
    ACCUSES, ALIVE, DEAD, DEGRADED, HELD, LEFT, NEWS, SUSPECT, UNHEALTHY, UNREACHABLE,
} from './words.js';

const NAMES = [
    'bg', 'card', 'line', 'soft', 'ink', 'dim', 'accent', 'alive', 'suspect', 'dead', 'held', 'off', 'warn',
    'ghost', 'ok', 'fade', 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'heat0', 'heat1',
];
export const FONT = '11px system-ui, sans-serif';
export const BOLD = '600 11px system-ui, sans-serif';
export const RAMP = 16;
// Marks of the map beyond states: a step of the ramp, or nothing known.
export const FIRST_STEP = 16;
export const FADED = FIRST_STEP + RAMP;

// The colours of the present theme; filled by `readInk`.
export const ink = { ramp: [], series: [] };

export function readInk() {
    const style = getComputedStyle(document.documentElement);
    for (const name of NAMES) ink[name] = style.getPropertyValue(`--${name}`).trim();
    ink.series = [ink.c0, ink.c1, ink.c2, ink.c3, ink.c4, ink.c5];
    const parts = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    const [low, high] = [parts(ink.heat0), parts(ink.heat1)];
    const mix = (i) => low.map((x, k) => Math.round(x + ((high[k] - x) * i) / (RAMP - 1)));
    ink.ramp = Array.from({ length: RAMP }, (_, i) => `rgb(${mix(i)})`);
}

export function colourOf(mark) {
    if (mark === FADED) return ink.fade;
    if (mark >= FIRST_STEP) return ink.ramp[mark - FIRST_STEP];
    switch (mark) {
        case ALIVE:
            return ink.alive;
        case DEGRADED:
            return ink.warn;
        case UNHEALTHY:
            return ink.off;
        case HELD:
            return ink.held;
        case SUSPECT:
            return ink.suspect;
        case DEAD:
            return ink.dead;
        case ACCUSES:
            return ink.accent;
        case NEWS:
            return ink.c2;
        default:
            return ink.ghost;
    }
}

function shape(g, points) {
    g.beginPath();
    points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
}

const half = (g, mark, x, y, w) => {
    g.fillStyle = ink.alive;
    g.fillRect(x, y, w, w);
    g.fillStyle = colourOf(mark);
    if (mark === UNHEALTHY) {
        g.fillRect(x, y + w / 2, w, w / 2);
    } else {
        shape(g, [[x + w, y + w / 4], [x + w, y + w], [x + w / 4, y + w]]);
        g.fill();
    }
};

const hollow = (g, mark, x, y, w) => {
    const line = Math.max(1, w / 8);
    g.lineWidth = line;
    g.strokeRect(x + line / 2, y + line / 2, w - line, w - line);
    if (mark === UNREACHABLE && w >= 6) g.fillRect(x + w * 0.36, y + w * 0.36, w * 0.28, w * 0.28);
};

const striped = (g, mark, x, y, w) => {
    g.globalAlpha = 0.38;
    g.fillRect(x, y, w, w);
    g.globalAlpha = 1;
    if (w < 6) {
        g.fillRect(x, y + w / 3, w, w / 3);
        return;
    }
    g.lineWidth = Math.max(1, w / 7);
    shape(g, [[x, y + w], [x + w, y]]);
    g.stroke();
};

const triangle = (g, mark, x, y, w) => {
    if (w < 6) {
        g.fillRect(x, y, w, w);
        return;
    }
    shape(g, [[x + w / 2, y], [x + w, y + w], [x, y + w]]);
    g.fill();
};

const cross = (g, mark, x, y, w) => {
    if (w < 6) {
        g.fillRect(x, y, w, w);
        return;
    }
    g.lineWidth = Math.max(1.5, w / 4.5);
    const o = g.lineWidth / 3;
    for (const line of [[[x + o, y + o], [x + w - o, y + w - o]], [[x + w - o, y + o], [x + o, y + w - o]]]) {
        shape(g, line);
        g.stroke();
    }
};

const arrow = (g, mark, x, y, w) => {
    shape(g, [[x, y + w * 0.2], [x + w, y + w / 2], [x, y + w * 0.8]]);
    g.fill();
};

const dot = (g, mark, x, y, w) => {
    g.beginPath();
    g.arc(x + w / 2, y + w / 2, w * 0.36, 0, 7);
    g.fill();
};

const SHAPES = {
    [DEGRADED]: half,
    [UNHEALTHY]: half,
    [UNREACHABLE]: hollow,
    [LEFT]: hollow,
    [HELD]: striped,
    [SUSPECT]: triangle,
    [DEAD]: cross,
    [ACCUSES]: arrow,
    [NEWS]: dot,
};

// Whether a mark is a plain square of its colour, which can be drawn many at a time.
export const isPlain = (mark) => mark === ALIVE || mark >= FIRST_STEP;

export function drawMark(g, mark, x, y, w) {
    if (!mark) return;
    g.fillStyle = colourOf(mark);
    g.strokeStyle = g.fillStyle;
    const draw = SHAPES[mark];
    if (draw) draw(g, mark, x, y, w);
    else g.fillRect(x, y, w, w);
}

// Widths of what is drawn in. Asking after a change of text would lay the page out each time.
const widths = new Map();
export const forgetWidths = () => widths.clear();
export function widthOf(element) {
    let width = widths.get(element);
    if (!width) {
        width = element.clientWidth;
        if (width) widths.set(element, width);
    }
    return width || 0;
}

const scale = () => Math.min(2, devicePixelRatio || 1);

// An empty canvas as wide as its parent, and what draws in it: [context, width].
export function fit(canvas, height) {
    const width = canvas.isConnected ? widthOf(canvas.parentElement) : 0;
    const ratio = scale();
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w;
        canvas.height = h;
        canvas.style.height = `${height}px`;
    }
    const g = canvas.getContext('2d');
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    g.font = FONT;
    return [g, width];
}

// Text that ends in … where it would be wider.
export function fitted(g, text, width) {
    if (g.measureText(text).width <= width) return text;
    let n = text.length;
    while (n > 1 && g.measureText(`${text.slice(0, n)}…`).width > width) n -= 1;
    return `${text.slice(0, n)}…`;
}
