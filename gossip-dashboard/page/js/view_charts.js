// The small charts: how news spreads, agreement, suspicions and deaths, traffic, lag.

import { Axes } from './axes.js';
import { Chart } from './chart.js';
import { say } from './dom.js';
import { count, percent, upTo } from './format.js';
import { ink } from './ink.js';
import { DEAD, SUSPECT } from './words.js';

const sum = (list) => list.reduce((a, b) => a + b, 0);

// The seconds of a window, with the one before it.
function secondsWithin({ recording, from, to }) {
    const { seconds } = recording;
    const at = (second) => second.at;
    return seconds.slice(Math.max(0, upTo(seconds, from, at) - 1), upTo(seconds, to, at));
}

const secondAt = ({ recording, time }) => {
    const { seconds } = recording;
    return seconds[Math.max(0, upTo(seconds, time, (second) => second.at) - 1)];
};

export class SpreadChart extends Chart {
    constructor(scene, act) {
        super(scene, act, 'c-spread', 'How news spreads', 'Share of members that know an update, by the time since');
    }

    get isOfTime() {
        return false;
    }

    get isThere() {
        return this.scene.recording.spreads.length > 0;
    }

    cursorAt() {
        return this.scene.news ? this.scene.time - this.scene.news.at : null;
    }

    draw(g, width, height) {
        const { news, recording } = this.scene;
        if (!news) return null;
        const faults = recording.faults.map((f) => ({ at: f.at - news.at, to: f.to === null ? null : f.to - news.at }));
        const axes = new Axes(g, width, height, {
            from: 0,
            to: news.max * 1.08,
            max: 1,
            faults,
            yWords: percent,
            xWords: (ms) => (ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`),
        });
        axes.inside(() => {
            for (const other of recording.spreads) if (other !== news) this.curve(axes, other, ink.ghost, 1);
            this.curve(axes, news, ink.c0, 2);
        });
        this.quantile(axes, news, 0.5, 'p50');
        this.quantile(axes, news, 0.99, 'p99');
        return axes;
    }

    curve(axes, { times, all }, colour, line) {
        const { g, x, y } = axes;
        const step = Math.max(1, Math.floor(times.length / 400));
        g.strokeStyle = colour;
        g.lineWidth = line;
        g.beginPath();
        g.moveTo(x(0), y(0));
        for (let i = 0; i < times.length; i += step) g.lineTo(x(times[i]), y((i + 1) / all));
        g.lineTo(x(times.at(-1) ?? 0), y(times.length / all));
        g.lineTo(x(axes.to), y(times.length / all));
        g.stroke();
    }

    quantile(axes, news, q, words) {
        const { g } = axes;
        const ms = news.quantile(q);
        const [x, y] = [axes.x(ms), axes.y((q * news.times.length) / news.all)];
        const isRight = q > 0.9;
        g.strokeStyle = ink.ink;
        g.lineWidth = 1;
        g.setLineDash([2, 3]);
        g.beginPath();
        g.moveTo(x, axes.bottom);
        g.lineTo(x, y);
        g.stroke();
        g.setLineDash([]);
        g.fillStyle = ink.ink;
        g.beginPath();
        g.arc(x, y, 3, 0, 7);
        g.fill();
        g.textAlign = isRight ? 'right' : 'left';
        g.fillText(`${words} ${ms} ms`, x + (isRight ? -6 : 7), y + (isRight ? 16 : 4));
        g.textAlign = 'left';
    }

    read() {
        const { news, recording } = this.scene;
        if (!news) return;
        const share = `${((100 * this.scene.informed()) / news.all).toFixed(1)} %`;
        const others = recording.spreads.length > 1 ? [['other news', ink.ghost, '']] : [];
        this.legend([[`${news.what} of ${this.scene.name(news.member)}`, ink.c0, share], ...others]);
        say(this.heading, `known to all that it reached after ${count(news.max)} ms`);
    }
}

export class AgreementChart extends Chart {
    constructor(scene, act) {
        const words = 'Share of members whose view differs from the commonest, by group, over time';
        super(scene, act, 'c-agree', 'Agreement', words);
    }

    get isThere() {
        return this.scene.recording.seconds.some((second) => second.views);
    }

    draw(g, width, height) {
        const { scene } = this;
        const seconds = secondsWithin(scene).filter((second) => second.views);
        const all = (second) => Math.max(1, sum(second.views.map((view) => view[1])));
        const layer = (pick) => seconds.map((second) => pick(second.views) / all(second));
        const layers = [
            layer((views) => views[1]?.[1] ?? 0),
            layer((views) => views[2]?.[1] ?? 0),
            layer((views) => sum(views.slice(3).map((view) => view[1]))),
        ];
        const highest = Math.max(0.1, ...seconds.map((_, i) => layers[0][i] + layers[1][i] + layers[2][i]));
        const axes = new Axes(g, width, height, {
            from: scene.from,
            to: scene.to,
            max: Math.min(1, highest * 1.1),
            time: true,
            faults: scene.recording.faults,
            yWords: percent,
        });
        const times = seconds.map((second) => second.at);
        if (times.length) axes.inside(() => axes.stack(times, layers, [ink.c0, ink.c1, ink.c3]));
        return axes;
    }

    read() {
        const views = (secondAt(this.scene)?.views ?? []).filter((view) => view[1]);
        const of = (i) => count(views[i]?.[1] ?? 0);
        const others = count(sum(views.slice(3).map((view) => view[1])));
        this.legend([['2nd group', ink.c0, of(1)], ['3rd', ink.c1, of(2)], ['others', ink.c3, others]]);
        const differ = `${views.length} groups: ${of(0)} see ${views[0]?.[0].slice(0, 8)}`;
        say(this.heading, views.length > 1 ? differ : 'all see the same');
    }
}

export class SuspicionChart extends Chart {
    constructor(scene, act) {
        super(scene, act, 'c-susp', 'Suspicions and deaths', 'Suspicions by what came of them, and deaths, over time');
    }

    // Every stretch of the window by what it counts as.
    *stretches() {
        const { from, recording } = this.scene;
        for (const list of recording.troubles.ofMember.values()) {
            for (const { from: at, to, state, confirmed } of list) {
                if (at < from) continue;
                if (state === DEAD) yield [at, 'dead'];
                if (state === SUSPECT) yield [at, confirmed || to === Infinity ? 'confirmed' : 'refuted', to];
            }
        }
    }

    draw(g, width, height) {
        const { from, to, recording } = this.scene;
        const columns = Math.max(20, Math.floor((width - 46) / 6));
        const per = (to - from) / columns;
        const bars = { confirmed: [], refuted: [], dead: [] };
        for (const list of Object.values(bars)) list.length = columns;
        for (const list of Object.values(bars)) list.fill(0);
        for (const [at, kind] of this.stretches()) {
            const column = Math.floor((at - from) / per);
            if (column < columns) bars[kind][column] += 1;
        }
        const layers = [bars.confirmed, bars.refuted, bars.dead];
        const highest = Math.max(4, ...bars.dead.map((n, i) => n + bars.confirmed[i] + bars.refuted[i]));
        const { faults } = recording;
        const axes = new Axes(g, width, height, { from, to, max: highest * 1.05, time: true, faults });
        const barWidth = Math.max(1.5, (axes.right - axes.left) / columns - 1);
        for (let i = 0; i < columns; i += 1) {
            let below = 0;
            layers.forEach((layer, k) => {
                if (!layer[i]) return;
                g.fillStyle = [ink.c1, ink.c0, ink.dead][k];
                const top = axes.y(below + layer[i]);
                g.fillRect(axes.x(from + i * per), top, barWidth, axes.y(below) - top);
                below += layer[i];
            });
        }
        return axes;
    }

    read() {
        const { time } = this.scene;
        const counts = { confirmed: 0, refuted: 0, dead: 0, open: 0 };
        for (const [at, kind, to] of this.stretches()) {
            if (at > time) continue;
            counts[kind !== 'dead' && to > time ? 'open' : kind] += 1;
        }
        const { confirmed, refuted, dead, open } = counts;
        this.legend([
            ['confirmed', ink.c1, count(confirmed + open)],
            ['refuted', ink.c0, count(refuted)],
            ['deaths', ink.dead, count(dead)],
        ]);
        const ended = confirmed + refuted;
        const share = ended ? `${percent(refuted / ended)} of suspicions refuted so far` : 'none has ended so far';
        say(this.heading, ended || open ? share : 'none so far');
    }
}

export class TrafficChart extends Chart {
    constructor(scene, act) {
        super(scene, act, 'c-sent', 'Traffic', 'Bytes that a node sends in a second, by class, over time');
    }

    get isThere() {
        return this.scene.recording.seconds.some((second) => second.bytes);
    }

    draw(g, width, height) {
        const { scene } = this;
        const seconds = secondsWithin(scene).filter((second) => second.bytes);
        const { classes } = scene.recording.head;
        const highest = Math.max(10, ...seconds.map((second) => sum(second.bytes)));
        const axes = new Axes(g, width, height, {
            from: scene.from,
            to: scene.to,
            max: highest * 1.08,
            time: true,
            faults: scene.recording.faults,
        });
        const layers = classes.map((_, k) => seconds.map((second) => second.bytes[k] ?? 0));
        const times = seconds.map((second) => second.at);
        if (times.length) axes.inside(() => axes.stack(times, layers, ink.series));
        return axes;
    }

    read() {
        const bytes = secondAt(this.scene)?.bytes ?? [];
        const { classes } = this.scene.recording.head;
        this.legend(classes.map((words, k) => [words, ink.series[k % ink.series.length], count(Math.round(bytes[k] ?? 0))]));
        say(this.heading, `${count(Math.round(sum(bytes)))} B a node and second`);
    }
}

export class LagChart extends Chart {
    constructor(scene, act) {
        super(scene, act, 'c-lag', 'Lag of news', 'Histogram of the lag of news, as nodes measured it and as seen from outside');
    }

    get isOfTime() {
        return false;
    }

    get isThere() {
        return this.scene.recording.lag !== null;
    }

    // The upper end in ms of a bucket that doubles.
    static end(bucket) {
        return bucket ? 2 ** bucket - 1 : 0;
    }

    static quantile(counts, q) {
        let left = sum(counts) * q;
        return LagChart.end(Math.max(0, counts.findIndex((n) => (left -= n) <= 0)));
    }

    draw(g, width, height) {
        const { nodes, seen } = this.scene.recording.lag;
        const shown = [[nodes, ink.c0], [seen, ink.c2]].filter(([counts]) => counts.some(Boolean));
        const first = Math.min(...shown.map(([counts]) => counts.findIndex(Boolean)));
        const last = Math.max(...shown.map(([counts]) => counts.findLastIndex(Boolean))) + 1;
        const highest = Math.max(...shown.map(([counts]) => Math.max(...counts) / sum(counts)));
        const axes = new Axes(g, width, height, {
            from: first,
            to: last,
            max: highest * 1.08,
            yWords: percent,
            xWords: (bucket) => (Number.isInteger(bucket) ? `${LagChart.end(bucket)} ms` : ''),
        });
        const wide = axes.x(first + 1) - axes.x(first);
        shown.forEach(([counts, colour], k) => {
            g.fillStyle = colour;
            for (let i = first; i < last; i += 1) {
                const top = axes.y((counts[i] ?? 0) / sum(counts));
                g.fillRect(axes.x(i) + wide * (0.1 + k * 0.4), top, wide * 0.38, axes.y(0) - top);
            }
        });
        return axes;
    }

    read() {
        const { nodes, seen } = this.scene.recording.lag;
        const counts = nodes.some(Boolean) ? nodes : seen;
        const items = [['as nodes measured', ink.c0, '', nodes], ['as seen from outside', ink.c2, '', seen]];
        this.legend(items.filter((item) => item[3].some(Boolean)));
        const [half, most] = [0.5, 0.99].map((q) => count(LagChart.quantile(counts, q)));
        say(this.heading, `p50 ≤ ${half} ms, p99 ≤ ${most} ms`);
    }
}
