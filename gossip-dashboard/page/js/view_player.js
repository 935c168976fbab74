// Time: a track with faults and events, play and pause, the stretch that is looked at, the speed.

import { find, make, say } from './dom.js';
import { clamp, roundStamp, stamp } from './format.js';
import { FONT, fit, ink, widthOf } from './ink.js';
import { PLACED } from './words.js';
import { troubleWords } from './view_verdict.js';

const SPEEDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
// A stretch of time plays in about this many ms.
const PLAYS_MS = 20_000;
// Without motion, time goes on in steps of this many ms.
const STILL_MS = 500;
const TRACK = 46;
const SLIDER = 10_000;
// A fault without an end is spoken of for this long.
const LATELY_MS = 6_000;
const LIVE_WINDOWS = [[60_000, 'Last minute'], [300_000, 'Last 5 minutes'], [600_000, 'Last 10 minutes']];
const PLAY = 'M4 2.5v11L13 8z';
const PAUSE = 'M4 3h3v10H4zM9 3h3v10H9z';

export class Player {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.plays = false;
        this.speed = 1;
        this.still = matchMedia('(prefers-reduced-motion: reduce)');
        this.box = find('#track');
        this.canvas = find('canvas', this.box);
        this.cursor = find('.cur', this.box);
        this.slider = find('#seek');
        this.stretch = find('#win');
        this.speeds = find('#speed');
        this.speeds.replaceChildren(...SPEEDS.map((x) => make('option', { value: x, text: `${x} ×` })));
        this.slider.oninput = () => act.go(scene.from + (this.slider.value / SLIDER) * scene.span);
        this.stretch.onchange = () => this.choose(this.stretch.value, true);
        this.speeds.onchange = () => (this.speed = Number(this.speeds.value));
        find('#play').onclick = () => this.toggle();
        find('#prev').onclick = () => this.jump(-1);
        find('#next').onclick = () => this.jump(1);
    }

    // The stretches that a reader may choose: all, and each fault and spread.
    stretches() {
        const { recording } = this.scene;
        if (recording.isLive) return LIVE_WINDOWS.map(([ms, words]) => ({ value: `live ${ms}`, words }));
        const { end } = recording;
        const faults = recording.faults.map((fault) => ({
            value: `${Math.max(0, fault.at - 2_000)} ${Math.min(end, (fault.to ?? fault.at) + 8_000)}`,
            words: `${roundStamp(fault.at)}  ${fault.text}`,
        }));
        const spreads = recording.spreads.map((news, i) => ({
            value: `${Math.max(0, news.at - Math.round(news.max * 0.08))} ${news.at + Math.round(news.max * 1.1)} ${i}`,
            words: `${roundStamp(news.at)}  ${news.what} of ${this.scene.name(news.member)} spreads`,
        }));
        return [{ value: `0 ${end}`, words: 'Whole recording' }, ...faults, ...spreads];
    }

    // For another recording.
    reset() {
        this.stop();
        const stretches = this.stretches();
        this.stretch.replaceChildren(...stretches.map(({ value, words }) => make('option', { value, text: words })));
        this.speeds.hidden = this.scene.recording.isLive;
        const first = this.scene.recording.isLive ? stretches[1] : stretches[0];
        this.stretch.value = first.value;
        this.choose(first.value, false);
    }

    choose(value, byHand) {
        const { scene } = this;
        const live = value.startsWith('live ');
        if (live) {
            this.liveSpan = Number(value.slice(5));
            this.slide();
        } else {
            const [from, to, spread] = value.split(' ').map(Number);
            [scene.from, scene.to] = [from, Math.max(to, from + 1)];
            if (spread !== undefined) {
                scene.spread = spread;
                scene.mode = 'spread';
            } else if (scene.mode === 'spread' && byHand) {
                scene.mode = 'status';
            }
            const ideal = scene.span / PLAYS_MS;
            const off = (x) => Math.abs(Math.log(x / ideal));
            this.speed = SPEEDS.reduce((a, b) => (off(b) < off(a) ? b : a));
            this.speeds.value = String(this.speed);
            if (byHand || scene.time < from || scene.time > scene.to) scene.time = from;
        }
        this.act.redraw();
    }

    // Moves the window of a stream to its end.
    slide() {
        const { scene } = this;
        const { recording } = scene;
        scene.to = Math.max(recording.end, recording.from + 1_000);
        scene.from = Math.max(recording.from, scene.to - this.liveSpan);
        if (scene.follows) scene.time = scene.to;
    }

    redraw() {
        const { scene } = this;
        const [g, width] = fit(this.canvas, TRACK);
        const x = (time) => ((time - scene.from) / scene.span) * width;
        g.fillStyle = ink.soft;
        g.fillRect(0, 22, width, 24);
        this.drawFaults(g, x, width);
        this.drawEvents(g, width);
        this.move();
    }

    drawFaults(g, x, width) {
        const { recording } = this.scene;
        g.font = FONT;
        g.textBaseline = 'middle';
        let end = -9;
        for (const fault of recording.faults) {
            const [from, to] = [x(fault.at), x(fault.to ?? fault.at)];
            if (to < 0 || from > width) continue;
            g.fillStyle = ink.ink;
            g.globalAlpha = 0.12;
            g.fillRect(from, 22, Math.max(2, to - from), 24);
            g.globalAlpha = 0.75;
            g.fillRect(from, 2, 1.5, 44);
            g.globalAlpha = 1;
            const zone = recording.zones[fault.zones[0]];
            const text = zone ? `${fault.fault} ${zone.name}` : fault.fault;
            const left = Math.max(0, from);
            const wide = g.measureText(text).width;
            if (left <= end || left + wide + 5 > width) continue;
            g.fillStyle = ink.dim;
            g.fillText(text, left + 5, 10);
            end = left + wide + 12;
        }
        g.textBaseline = 'alphabetic';
    }

    drawEvents(g, width) {
        const { scene } = this;
        const columns = Math.max(40, Math.floor(width / 4));
        const bars = Array.from({ length: columns }, () => [0, 0, 0]);
        for (const event of scene.timeline.events) {
            const column = Math.floor(((event.at - scene.from) / scene.span) * columns);
            if (event.at < scene.from || column >= columns || event.word === PLACED) continue;
            bars[column][event.word === 'down' ? 2 : event.word === 'suspected' ? 1 : 0] += 1;
        }
        const most = Math.max(1, ...bars.map(([a, b, c]) => a + b + c));
        bars.forEach((bar, i) => {
            const all = bar[0] + bar[1] + bar[2];
            if (!all) return;
            const tall = 3 + (19 * Math.log1p(all)) / Math.log1p(most);
            let bottom = TRACK;
            bar.forEach((n, kind) => {
                const height = (tall * n) / all;
                g.fillStyle = [ink.ghost, ink.suspect, ink.dead][kind];
                g.fillRect((i * width) / columns, bottom - height, Math.max(1.5, width / columns - 1), height);
                bottom -= height;
            });
        });
    }

    move(counts) {
        const { scene } = this;
        const { time, from, to, span } = scene;
        const width = widthOf(this.box);
        const x = clamp(((time - from) / span) * width - 1, 0, width - 2);
        this.cursor.style.transform = `translateX(${x}px)`;
        this.slider.value = ((time - from) / span) * SLIDER;
        this.slider.setAttribute('aria-valuetext', stamp(time, span));
        say(find('#clock'), stamp(time, span));
        say(find('#dur'), `/ ${roundStamp(to, span)}`);
        if (counts) this.tell(counts);
    }

    tell(counts) {
        const { recording, time } = this.scene;
        const goesOn = (fault) => fault.at <= time && (fault.to ?? fault.at + LATELY_MS) >= time;
        const faults = recording.faults.filter(goesOn).map((fault) => fault.text).join('; ');
        const trouble = troubleWords(counts) || (faults ? '' : 'all is well');
        const words = [trouble, faults].filter(Boolean).join(' · ');
        say(find('#what'), words);
        find('#what').title = words;
        return words;
    }

    get now() {
        return `${find('#clock').textContent}, ${find('#what').textContent}`;
    }

    jump(step) {
        const { recording, time, from, to } = this.scene;
        const { faults } = recording;
        const fault = step > 0 ? faults.find((f) => f.at > time + 1) : faults.findLast((f) => f.at < time - 1);
        this.act.go(fault?.at ?? (step > 0 ? to : from));
    }

    toggle() {
        if (this.plays || (this.scene.recording.isLive && this.scene.follows)) this.stop();
        else this.start();
    }

    show(plays) {
        find('#play').setAttribute('aria-label', plays ? 'Pause' : 'Play');
        find('#play path').setAttribute('d', plays ? PAUSE : PLAY);
    }

    stop() {
        const spoke = this.plays;
        this.plays = false;
        this.scene.follows = false;
        this.show(false);
        if (spoke) this.act.say(this.now);
    }

    start() {
        const { scene } = this;
        this.show(true);
        if (scene.recording.isLive) {
            scene.follows = true;
            this.act.go(scene.to, true);
            return;
        }
        if (scene.time >= scene.to) scene.time = scene.from;
        this.plays = true;
        this.last = performance.now();
        requestAnimationFrame((now) => this.frame(now));
    }

    frame(now) {
        if (!this.plays) return;
        const passed = now - this.last;
        const waits = this.still.matches && passed < STILL_MS;
        if (!waits) {
            this.last = now;
            const next = this.scene.time + Math.min(passed, 1_000) * this.speed;
            this.act.go(next, true);
            if (next >= this.scene.to) {
                this.stop();
                return;
            }
        }
        requestAnimationFrame((later) => this.frame(later));
    }
}
