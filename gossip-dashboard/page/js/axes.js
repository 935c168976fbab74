// Axes with round steps, and the faults that fall into their time.

import { clamp, nice, niceTime, roundStamp, short } from './format.js';
import { FONT, ink } from './ink.js';

const RIGHT = 6;
const TOP = 8;
const BOTTOM = 18;

// Bands where faults last, from `left` on.
export function faultBands(g, faults, x, left, right, top, bottom) {
    for (const fault of faults) {
        const from = Math.max(left, x(fault.at));
        const to = Math.min(right, x(fault.to ?? fault.at));
        if (x(fault.to ?? fault.at) < left || x(fault.at) > right) continue;
        g.fillStyle = ink.ink;
        g.globalAlpha = 0.05;
        g.fillRect(from, top, Math.max(1.5, to - from), bottom - top);
        g.globalAlpha = 0.3;
        g.fillRect(from, top, 1, bottom - top);
        g.globalAlpha = 1;
    }
}

export function timeAxis(g, from, to, x, left, right, y, every) {
    const step = niceTime((to - from) / Math.max(2, Math.floor((right - left) / every)));
    g.font = FONT;
    g.fillStyle = ink.dim;
    g.textBaseline = 'alphabetic';
    for (let time = Math.ceil(from / step) * step; time <= to + 1e-6; time += step) {
        const at = x(time);
        g.textAlign = at > right - 20 ? 'right' : at < left + 16 ? 'left' : 'center';
        g.fillText(roundStamp(time, to - from), clamp(at, left, right), y);
    }
    g.textAlign = 'left';
}

// What a chart draws with. `axis` has the window `from`, `to` and the highest value `max`; `time` for an axis of time,
// and `words` for the values of either axis.
export class Axes {
    constructor(g, width, height, axis) {
        this.g = g;
        this.left = 40;
        this.right = width - RIGHT;
        this.top = TOP;
        this.bottom = height - BOTTOM;
        this.from = axis.from;
        this.to = Math.max(axis.to, axis.from + 1e-9);
        this.max = axis.max;
        this.x = (value) => this.left + ((value - this.from) / (this.to - this.from)) * (this.right - this.left);
        this.y = (value) => this.bottom - (value / this.max) * (this.bottom - this.top);
        faultBands(g, axis.faults ?? [], this.x, this.left, this.right, this.top, this.bottom);
        this.rows(axis.yWords ?? short);
        if (axis.time) timeAxis(g, this.from, this.to, this.x, this.left, this.right, height - 3, 90);
        else this.columns(axis.xWords ?? short, height);
    }

    rows(words) {
        const { g, left, right } = this;
        const step = nice(this.max / 3.2);
        g.font = FONT;
        g.textBaseline = 'middle';
        g.textAlign = 'right';
        g.lineWidth = 1;
        for (let value = 0; value <= this.max * 1.001; value += step) {
            const at = Math.round(this.y(value)) + 0.5;
            g.strokeStyle = value ? ink.soft : ink.line;
            g.beginPath();
            g.moveTo(left, at);
            g.lineTo(right, at);
            g.stroke();
            g.fillStyle = ink.dim;
            g.fillText(words(value), left - 6, at);
        }
        g.textAlign = 'left';
        g.textBaseline = 'alphabetic';
    }

    columns(words, height) {
        const { g, from, to, left, right } = this;
        const step = nice((to - from) / Math.max(2, Math.floor((right - left) / 80)));
        g.fillStyle = ink.dim;
        for (let value = Math.ceil(from / step) * step; value <= to + 1e-6; value += step) {
            const at = this.x(value);
            g.textAlign = at > right - 20 ? 'right' : at < left + 16 ? 'left' : 'center';
            g.fillText(words(value), clamp(at, left, right), height - 3);
        }
        g.textAlign = 'left';
    }

    // Draws within the axes only.
    inside(draw) {
        const { g } = this;
        g.save();
        g.beginPath();
        g.rect(this.left, 0, this.right - this.left, this.bottom + 1);
        g.clip();
        draw();
        g.restore();
    }

    // Layers above each other, each value a step that lasts until the next; `times` are the steps' beginnings.
    stack(times, layers, colours) {
        const { g, x, y } = this;
        const below = new Float64Array(times.length);
        const last = times.length - 1;
        const width = last > 0 ? times[last] - times[last - 1] : 1_000;
        const end = (i) => x(i < last ? times[i + 1] : times[last] + width);
        layers.forEach((layer, k) => {
            g.fillStyle = colours[k % colours.length];
            g.beginPath();
            for (let i = 0; i <= last; i += 1) {
                g.lineTo(x(times[i]), y(below[i] + layer[i]));
                g.lineTo(end(i), y(below[i] + layer[i]));
            }
            for (let i = last; i >= 0; i -= 1) {
                g.lineTo(end(i), y(below[i]));
                g.lineTo(x(times[i]), y(below[i]));
            }
            g.fill();
            layer.forEach((value, i) => (below[i] += value));
        });
    }
}
