// One member, with its state and history; while none is chosen, the places that are in trouble.

import { between } from './accusations.js';
import { chip } from './chip.js';
import { find, make, say } from './dom.js';
import { clamp, count } from './format.js';
import { colourOf, fit, ink } from './ink.js';
import {
    ABSENT, ALIVE, DEAD, DEGRADED, HEALTH, HELD, LEFT, STATES, STATUS, SUSPECT, UNHEALTHY, UNREACHABLE,
} from './words.js';

// What to look at first.
const RANK = [SUSPECT, DEAD, HELD, UNREACHABLE, UNHEALTHY, DEGRADED];
const MAX_PLACES = 6;
const STRIP = 30;
const MAX_TAGS = 12;

export class MemberCard {
    constructor(scene, act) {
        this.scene = scene;
        this.act = act;
        this.box = find('#mem');
        this.strip = make('div', { class: 'cv', 'aria-hidden': 'true' }, make('canvas'));
        this.close = find('#unsel');
        this.close.onclick = () => act.select(-1);
    }

    move() {
        const { selected } = this.scene;
        this.close.hidden = selected < 0;
        say(find('#h-mem'), selected < 0 ? 'Member' : this.scene.name(selected));
        if (selected < 0) this.places();
        else this.member(selected);
    }

    // The rows of what is in trouble, by place.
    trouble() {
        const { recording, timeline } = this.scene;
        const groups = new Map();
        for (let m = 0; m < recording.members; m += 1) {
            const state = timeline.shown(m);
            if (state === ABSENT || state === ALIVE || state === LEFT) continue;
            const zone = recording.zoneOf[m];
            const rack = recording.rackOf[m];
            const key = state === HELD ? `z${zone}` : `${state} ${rack}`;
            const place = state === HELD ? `zone ${recording.zones[zone].name}` : `rack ${recording.racks[rack].name}`;
            const group = groups.get(key) ?? { state, member: m, place, members: 0 };
            group.members += 1;
            groups.set(key, group);
        }
        const rank = (group) => RANK.indexOf(group.state);
        return [...groups.values()].sort((a, b) => rank(a) - rank(b) || b.members - a.members);
    }

    places() {
        const groups = this.trouble();
        const key = groups.map((group) => [group.state, group.member, group.members]).join(';');
        if (this.key === key) return;
        this.key = key;
        const words = groups.length
            ? 'In trouble now. Press one for details.'
            : 'Nobody is in trouble now. Press a cell, or / to find a member.';
        const rows = groups.slice(0, MAX_PLACES).map(({ state, member, members, place }) => {
            const text = members > 1 || state === HELD ? place : this.scene.name(member);
            const onclick = () => this.act.select(member);
            const button = make('button', { class: 'link', type: 'button', text, title: text, onclick });
            const what = STATES[state];
            const many = members > 1 ? `${count(members)} ${what}` : what;
            return make('div', { class: 'trb' }, chip(state), button, make('span', { class: 'dim', text: many }));
        });
        const more = groups.length - MAX_PLACES;
        const rest = more > 0 ? [make('p', { class: 'dim small', text: `and ${more} more places` })] : [];
        this.box.replaceChildren(make('p', { class: 'dim small', text: words }), ...rows, ...rest);
    }

    // How often it answered a suspicion, or came back.
    returns(member) {
        const { timeline } = this.scene;
        let [refuted, came] = [0, 0];
        for (const event of timeline.back(-1)) {
            if (event.member !== member) continue;
            if (event.word === 'cleared') refuted += 1;
            if (event.word === 'up') came += 1;
        }
        return { refuted, came };
    }

    statusWords(member) {
        const { recording, time, timeline } = this.scene;
        const { gone, status } = timeline.detail(member);
        if (gone) return 'not a member now';
        const stretches = recording.troubles.ofMember.get(member) ?? [];
        const present = stretches.findLast((stretch) => stretch.from <= time && stretch.to > time);
        return present ? `${STATUS[status]}, for ${((time - present.from) / 1_000).toFixed(1)} s` : STATUS[status];
    }

    member(member) {
        const { recording, timeline, time } = this.scene;
        const { health, held, reached, routable } = timeline.detail(member);
        const { by, accuses } = between(recording, member, time);
        const { refuted, came } = this.returns(member);
        const some = (set) => {
            const names = [...set].slice(0, 2).map((m) => this.scene.name(m));
            return names.join(', ') + (set.size > 2 ? ` and ${count(set.size - 2)} more` : '') || 'nobody';
        };
        const times = (n) => (n === 1 ? 'once' : n ? `${n} times` : 'never');
        const lines = [
            ['Status', this.statusWords(member)],
            ['Health', HEALTH[health]],
            ['Place', recording.racks[recording.rackOf[member]].name],
            ['Reached', held ? 'no, quarantined' : reached ? 'yes' : 'no'],
            ['Refuted', times(refuted)],
            ['Routable', routable ? 'yes' : 'no'],
            ['Joined', times(came)],
        ];
        const wide = [['Accused by', some(by)], ['Accuses', some(accuses)], ...this.published(member)];
        const key = JSON.stringify([member, lines, wide]);
        if (this.key !== key) {
            this.key = key;
            const list = (pairs, kind) => pairs.flatMap(([name, text]) => [
                make('dt', { text: name }),
                make('dd', { text, title: text, class: kind }),
            ]);
            this.box.replaceChildren(
                make('dl', {}, ...list(lines, '')),
                this.strip,
                make('dl', {}, ...list(wide, 'wide')),
            );
        }
        this.drawStrip(member);
    }

    // What the agent that is asked holds of the member's state.
    published(member) {
        const found = this.act.detailOf(this.scene.name(member));
        if (!found) return [];
        const tags = Object.entries(found.tags ?? {}).slice(0, MAX_TAGS);
        const lines = tags.map(([key, value]) => [String(key), String(value)]);
        return [['Address', String(found.address ?? '?')], ['Epoch', String(found.epoch ?? '?')], ...lines];
    }

    drawStrip(member) {
        const { recording, from, to, span, time } = this.scene;
        const [g, width] = fit(this.strip.firstChild, STRIP);
        const x = (at) => clamp(((at - from) / span) * width, 0, width);
        g.fillStyle = ink.soft;
        g.fillRect(0, 4, width, 16);
        g.fillStyle = ink.alive;
        g.fillRect(0, 10, width, 4);
        const stretches = [
            ...(recording.troubles.ofZone.get(recording.zoneOf[member]) ?? []),
            ...(recording.troubles.ofMember.get(member) ?? []),
        ];
        for (const { from: begin, to: end, state } of stretches) {
            if (end < from || begin > to) continue;
            const [left, right] = [x(begin), x(Math.min(end, to))];
            g.fillStyle = colourOf(state);
            g.globalAlpha = state === HELD ? 0.4 : 1;
            const [top, height] = state === SUSPECT ? [8, 8] : [4, 16];
            g.fillRect(left, top, Math.max(2, right - left), height);
            g.globalAlpha = 1;
        }
        g.fillStyle = ink.ink;
        g.fillRect(clamp(x(time), 0, width - 1), 0, 1, 24);
    }
}
