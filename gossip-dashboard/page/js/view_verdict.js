// What to know first: whether a run passed, or how the cluster is that a stream tells of.

import { find, make, say } from './dom.js';
import { count, measured } from './format.js';
import { ALIVE, DEAD, DEGRADED, HELD, SUSPECT, UNHEALTHY, UNREACHABLE } from './words.js';

const TROUBLE = [
    [SUSPECT, 'suspect'], [DEAD, 'dead'], [HELD, 'quarantined'],
    [UNREACHABLE, 'unreachable'], [UNHEALTHY, 'unhealthy'], [DEGRADED, 'degraded'],
];

// Everybody in trouble, in words; empty if nobody is.
export function troubleWords(counts) {
    const found = TROUBLE.filter(([state]) => counts[state]);
    return found.map(([state, words]) => `${count(counts[state])} ${words}`).join(', ');
}

function expected({ bound, limit, unit }) {
    if (!bound) return '';
    return `${{ max: 'at most', min: 'at least', is: 'exactly' }[bound]} ${measured(limit, unit)}`;
}

export class Verdict {
    constructor(scene) {
        this.scene = scene;
        this.card = find('#verdict');
        this.word = find('#vw');
        this.words = find('#vs');
        this.about = find('#about');
    }

    redraw() {
        const { head, expectations } = this.scene.recording;
        say(find('#scn'), head.scenario);
        const failed = expectations.filter((e) => !e.holds);
        const held = expectations.filter((e) => e.holds);
        find('#exp').replaceChildren(...[...failed, ...held].map((e) => this.expectation(e)));
        if (expectations.length) this.judge(failed, expectations.length);
        else this.move(this.scene.counts());
    }

    expectation(e) {
        // What must be zero or yes says so by its value.
        const plain = e.bound === 'is' || (e.bound === 'max' && e.limit === 0);
        const limit = e.bound && !plain ? `${{ max: '≤', min: '≥' }[e.bound]} ${measured(e.limit, e.unit)}` : '';
        const value = make('span', { class: 'v' }, make('i', { text: e.holds ? '✓' : '✕' }), measured(e.got, e.unit));
        const words = make('span', { class: 'w', text: e.words });
        const title = `${e.words} (${e.name})`;
        return make('li', { class: e.holds ? '' : 'bad', title }, words, value, make('span', { class: 'lim', text: limit }));
    }

    judge(failed, all) {
        this.card.className = `card verdict ${failed.length ? 'fail' : 'pass'}`;
        say(this.word, failed.length ? '✕ FAIL' : '✓ PASS');
        const expectations = all === 1 ? 'expectation' : 'expectations';
        say(this.words, failed.length ? `${failed.length} of ${all} ${expectations} failed` : `all ${all} ${expectations} hold`);
        const why = failed.slice(0, 3).map((e) => {
            const limit = expected(e);
            const text = `${e.words}: ${measured(e.got, e.unit)}${limit ? `, and ${limit} was expected` : ''}.`;
            return make('strong', { text: text.charAt(0).toUpperCase() + text.slice(1) });
        });
        const dropped = this.dropped();
        this.about.replaceChildren(...why, [this.scene.recording.head.about, dropped].filter(Boolean).join(' '));
        this.title();
    }

    dropped() {
        const { dropped } = this.scene.recording;
        return dropped ? `${count(dropped)} accusations did not fit into the recording, and are only counted.` : '';
    }

    title() {
        document.title = `${this.word.textContent} ${this.scene.recording.head.scenario} · gossip`;
    }

    // Of a stream, and of a recording without expectations: how everybody is at this time.
    move(counts) {
        const { recording, stream } = this.scene;
        if (recording.expectations.length) return;
        const lost = stream?.lost ?? null;
        const trouble = troubleWords(counts);
        this.card.className = `card verdict ${lost || counts[DEAD] || counts[SUSPECT] ? 'fail' : 'live'}`;
        if (lost) this.card.className = 'card verdict lost';
        say(this.word, lost ? '! Lost' : stream ? '● Live' : 'Recording');
        const all = `${count(recording.members)} members`;
        say(this.words, lost ? lost : trouble ? `${all}: ${trouble}` : `${all}: ${count(counts[ALIVE])} alive, nobody in trouble`);
        say(this.about, this.aboutWords());
        this.title();
    }

    aboutWords() {
        const { recording, stream } = this.scene;
        if (!stream) return [recording.head.about, this.dropped()].filter(Boolean).join(' ');
        const whose = recording.head.about || `As ${recording.head.node || 'this agent'} sees it.`;
        const unread = stream.unread ? ` ${count(stream.unread)} lines could not be read: ${stream.why}.` : '';
        return `${whose} ${stream.keeps}${unread}`;
    }
}
