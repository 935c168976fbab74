// The page: its views, and what a reader does.

import { find } from './dom.js';
import { clamp } from './format.js';
import { forgetWidths, readInk } from './ink.js';
import { Recording } from './recording.js';
import { Scene } from './scene.js';
import { AgreementChart, LagChart, SpreadChart, SuspicionChart, TrafficChart } from './view_charts.js';
import { Events } from './view_events.js';
import { Heat } from './view_heat.js';
import { Legend } from './view_legend.js';
import { MemberMap } from './view_map.js';
import { Matrix } from './view_matrix.js';
import { MemberCard } from './view_member.js';
import { Player } from './view_player.js';
import { Search } from './view_search.js';
import { Verdict, troubleWords } from './view_verdict.js';
import { STATES } from './words.js';

const MODES = ['status', 'spread', 'accused'];
// Matrix and member follow the time in steps of this many ms: they take the longest.
const COARSE_MS = 500;
const STEPS = 240;

export class App {
    constructor() {
        this.scene = new Scene(new Recording());
        this.isReady = false;
        this.live = null;
        const [scene, act] = [this.scene, this];
        this.verdict = new Verdict(scene);
        this.map = new MemberMap(scene, act);
        this.legend = new Legend(scene, act);
        this.heat = new Heat(scene, act);
        this.matrix = new Matrix(scene, act);
        this.events = new Events(scene, act);
        this.member = new MemberCard(scene, act);
        this.player = new Player(scene, act);
        this.search = new Search(scene, act);
        this.charts = [SpreadChart, AgreementChart, SuspicionChart, TrafficChart, LagChart].map((Chart) => new Chart(scene, act));
        addEventListener('keydown', (event) => this.key(event));
        let frame = 0;
        addEventListener('resize', () => {
            cancelAnimationFrame(frame);
            frame = requestAnimationFrame(() => this.resize());
        });
    }

    // Shows a recording from its beginning, or a stream at its end.
    show(recording, stream = null) {
        const { scene } = this;
        Object.assign(scene, { recording, stream, selected: -1, time: 0, mode: 'status', spread: 0, follows: false });
        find('#empty').hidden = true;
        find('#app').hidden = false;
        find('#player').hidden = false;
        document.body.classList.toggle('isLive', recording.isLive);
        find('[data-mode=spread]').disabled = !recording.spreads.length;
        this.matrix.reset();
        this.events.reset();
        this.isReady = true;
        this.isBegun = false;
        this.player.reset();
        if (recording.isLive) this.player.start();
    }

    // Everything anew: another stretch of time, other colours, another width.
    redraw() {
        if (!this.isReady) return;
        const { scene } = this;
        scene.at(scene.time);
        if (!this.isBegun) {
            this.isBegun = true;
            forgetWidths();
            this.events.resize();
            this.map.lay();
        }
        this.verdict.redraw();
        this.map.redraw();
        this.legend.redraw();
        this.drawWindow();
        this.move(true);
    }

    // What depends on the stretch of time.
    drawWindow() {
        this.events.redraw();
        this.player.redraw();
        this.heat.redraw();
        if (this.charts.filter((chart) => chart.settle()).length) forgetWidths();
        for (const chart of this.charts) chart.redraw();
    }

    // What depends on the time.
    move(everything = false) {
        const { scene } = this;
        scene.at(scene.time);
        const counts = scene.counts();
        this.map.move();
        this.map.describe(`${counts[1]} alive, ${troubleWords(counts) || 'nobody in trouble'}`);
        this.legend.move(counts);
        this.verdict.move(counts);
        for (const chart of this.charts) chart.move();
        this.heat.move();
        this.player.move(counts);
        this.events.move();
        const coarse = [scene.timeline.seen, Math.floor(scene.time / COARSE_MS), scene.selected].join();
        if (!everything && coarse === this.coarse) return;
        this.coarse = coarse;
        this.matrix.redraw();
        this.member.move();
    }

    // More of a stream has come: the state now, and the window with it once a second.
    grow() {
        if (!this.isReady) return;
        if (this.scene.follows) this.scene.time = this.scene.to = Math.max(this.scene.to, this.scene.recording.end);
        this.move();
    }

    slide() {
        if (!this.isReady) return;
        find('[data-mode=spread]').disabled = !this.scene.recording.spreads.length;
        this.player.slide();
        this.drawWindow();
        this.move();
    }

    // The stream is lost, or was not found.
    told(words) {
        if (this.isReady) this.verdict.move(this.scene.counts());
        else find('#emptywhy').textContent = words;
    }

    resize() {
        if (!this.isReady) return;
        forgetWidths();
        this.events.resize();
        this.map.lay();
        this.redraw();
    }

    setTheme(theme) {
        document.documentElement.dataset.theme = theme;
        readInk();
        this.redraw();
    }

    flipTheme() {
        this.setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    }

    // Here and below: what views do for a reader.
    go(time, plays = false) {
        if (!plays && this.player.plays) this.player.stop();
        const { scene } = this;
        if (scene.recording.isLive && !plays) {
            scene.follows = false;
            this.player.show(false);
        }
        scene.time = clamp(time, scene.from, scene.to);
        this.events.follows = true;
        this.move();
    }

    select(member) {
        const { scene } = this;
        scene.selected = member;
        if (member >= 0) this.live?.ask(scene.name(member));
        this.events.redraw();
        this.move(true);
        if (member >= 0) this.say(`${scene.name(member)}, ${STATES[scene.timeline.shown(member)]}`);
    }

    // The next member after the chosen one that is in a state.
    nextIn(state) {
        const { scene } = this;
        const all = scene.recording.members;
        for (let i = 1; i <= all; i += 1) {
            const member = (scene.selected + i + all) % all;
            if (scene.timeline.shown(member) !== state) continue;
            this.select(member);
            return;
        }
    }

    setMode(mode) {
        if (mode === 'spread' && !this.scene.recording.spreads.length) return;
        this.scene.mode = mode;
        this.map.redraw();
        this.legend.redraw();
        this.move(true);
    }

    detailOf(name) {
        return this.live?.detailOf(name) ?? null;
    }

    say(words) {
        find('#say').textContent = words;
    }

    nextMode() {
        const modes = MODES.filter((mode) => mode !== 'spread' || this.scene.recording.spreads.length);
        this.setMode(modes[(modes.indexOf(this.scene.mode) + 1) % modes.length]);
    }

    step(event) {
        const forward = event.key === 'ArrowRight' ? 1 : -1;
        const { scene } = this;
        if (!event.shiftKey) {
            this.go(scene.time + (forward * scene.span) / STEPS);
            return;
        }
        const next = this.events.beside(forward);
        if (next) this.go(next.at);
    }

    key(event) {
        const { target } = event;
        const types = target.tagName === 'SELECT' || (target.tagName === 'INPUT' && target.id !== 'seek');
        if (event.ctrlKey || event.metaKey || event.altKey || types || find('dialog[open]')) return;
        const { scene } = this;
        const always = { t: () => this.flipTheme(), o: () => find('#open').click(), '?': () => find('#keys').showModal() };
        const shown = {
            ArrowLeft: () => this.step(event),
            ArrowRight: () => this.step(event),
            ' ': () => this.player.toggle(),
            '[': () => this.player.jump(-1),
            ']': () => this.player.jump(1),
            Home: () => this.go(scene.from),
            End: () => (scene.recording.isLive ? this.player.start() : this.go(scene.to)),
            '/': () => this.search.open(),
            f: () => find('#evq').focus(),
            m: () => this.nextMode(),
            Escape: () => this.select(-1),
        };
        // A button takes the space bar for itself.
        if (event.key === ' ' && target.tagName === 'BUTTON') return;
        const act = always[event.key] ?? (this.isReady ? shown[event.key] : null);
        if (!act) return;
        event.preventDefault();
        act();
    }
}
