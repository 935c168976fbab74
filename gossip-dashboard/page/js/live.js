// A stream as a recording that grows.

import { find, say } from './dom.js';
import { Feed } from './feed.js';
import { Wrong, parseLine } from './parse.js';
import { HISTORY_MS, MAX_EVENTS, Recording } from './recording.js';

// How often what has come is drawn, in ms, and how often all that moves with the window of time.
const DRAW_MS = 200;
const SLIDE_MS = 1_000;
const FEED = '/v1/feed';
const DETAIL = '/v1/members/';

const minutes = HISTORY_MS / 60_000;
const KEEPS = `This page keeps the last ${minutes} minutes, at most ${MAX_EVENTS.toLocaleString('en')} events.`;

export class Live {
    // `page` has `show(recording)`, `grow()` and `slide()`.
    constructor(page) {
        this.page = page;
        this.state = { lost: null, unread: 0, why: '', keeps: KEEPS };
        this.recording = null;
        this.isShown = false;
        this.isChanged = false;
        this.details = new Map();
        this.feed = new Feed(FEED, this);
    }

    follow() {
        this.feed.follow();
        setInterval(() => this.draw(), DRAW_MS);
    }

    // Each stream tells all that is there anew.
    begins() {
        this.recording = new Recording(true);
        this.isShown = false;
        this.isChanged = true;
        this.details.clear();
        Object.assign(this.state, { lost: null, unread: 0 });
        clearInterval(this.clock);
    }

    line(text) {
        try {
            const line = parseLine(text);
            if (line) this.recording.add(line);
        } catch (error) {
            if (!(error instanceof Wrong)) throw error;
            this.state.unread += 1;
            this.state.why = error.message;
        }
        this.isChanged = true;
    }

    lost(why, since, wait) {
        const again = Date.now() + wait;
        const at = new Date(since).toLocaleTimeString('en-GB');
        const tell = () => {
            const left = Math.max(0, Math.ceil((again - Date.now()) / 1_000));
            this.state.lost = `no news since ${at}: ${why}; ${left ? `next try in ${left} s` : 'trying again'}`;
            this.page.told(this.state.lost);
        };
        clearInterval(this.clock);
        this.clock = setInterval(tell, 1_000);
        tell();
    }

    // Asks for a token, and waits for it.
    token(why) {
        const dialog = find('#ask');
        say(find('#askwhy'), why);
        dialog.showModal();
        return new Promise((done) => {
            dialog.onclose = () => {
                const { value } = find('#token');
                find('#token').value = '';
                done(value.trim());
            };
        });
    }

    draw() {
        if (!this.isChanged || !this.recording?.members || document.hidden) return;
        this.isChanged = false;
        if (!this.isShown) {
            this.isShown = true;
            this.slid = Date.now();
            this.page.show(this.recording, this.state);
            return;
        }
        if (Date.now() - this.slid >= SLIDE_MS) {
            this.slid = Date.now();
            this.page.slide();
        } else {
            this.page.grow();
        }
    }

    // What the agent holds of a member, as far as it has answered; asked once for each choice of a member.
    detailOf(name) {
        return this.details.get(name) ?? null;
    }

    async ask(name) {
        const headers = this.feed.token ? { authorization: `Bearer ${this.feed.token}` } : {};
        const answer = await fetch(DETAIL + encodeURIComponent(name), { headers }).catch(() => null);
        if (!answer?.ok) return;
        this.details.clear();
        this.details.set(name, await answer.json().catch(() => null));
        this.page.move(true);
    }
}
