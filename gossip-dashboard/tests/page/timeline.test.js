import { Timeline } from '../../page/js/timeline.js';
import { Troubles } from '../../page/js/troubles.js';
import { ABSENT, ALIVE, DEAD, DEGRADED, HELD, LEFT, SUSPECT, UNREACHABLE } from '../../page/js/words.js';
import { equal, holds, test } from './test.js';

const event = (at, word, member, extra = 0) => ({ at, word, member, zone: -1, by: -1, extra });
const ofZone = (at, word, zone) => ({ at, word, member: -1, zone, by: -1, extra: 0 });

function timeline(members, events, zones = 2) {
    const line = new Timeline();
    line.grow(Array.from({ length: members }, (_, m) => m % zones), zones, true);
    for (const each of events) line.push(each);
    return line;
}

// Every state of one member at a list of times.
const states = (line, member, times) => times.map((time) => {
    line.seek(time);
    return line.shown(member);
});

test('a member is what the last event of its time made it', () => {
    const line = timeline(3, [
        event(10, 'suspected', 1), event(20, 'cleared', 1), event(30, 'suspected', 1), event(40, 'down', 1),
        event(50, 'up', 1), event(60, 'left', 1), event(70, 'forgotten', 1),
    ]);
    equal(states(line, 1, [0, 10, 20, 30, 40, 50, 60, 70]), [ALIVE, SUSPECT, ALIVE, SUSPECT, DEAD, ALIVE, LEFT, ABSENT]);
    equal(states(line, 1, [40, 5, 65, 25]), [DEAD, ALIVE, LEFT, ALIVE], 'back and forth');
    equal(states(line, 0, [99]), [ALIVE], 'another member');
});

test('the worst that is known of a member is shown', () => {
    const line = timeline(4, [event(1, 'health', 0, 1), event(2, 'unreachable', 0), ofZone(3, 'zone_held', 0), event(4, 'suspected', 0)]);
    equal(states(line, 0, [1, 2, 3, 4]), [DEGRADED, UNREACHABLE, HELD, SUSPECT]);
    equal(line.shown(2), HELD, 'a member of the same zone');
    equal(line.shown(1), ALIVE, 'a member of another zone');
    line.seek(3);
    equal(line.detail(0).routable, false);
});

test('any order of times gives what playing from the start gives', () => {
    const words = ['suspected', 'cleared', 'down', 'up', 'unreachable', 'reachable', 'left', 'health'];
    let seed = 1;
    const dice = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const events = Array.from({ length: 5_000 }, (_, i) => event(i, words[dice(8)], dice(20), dice(3)));
    const line = timeline(20, events);
    for (let i = 0; i < 200; i += 1) {
        const time = dice(5_000);
        line.seek(time);
        const fresh = timeline(20, events.slice(0, time + 1));
        fresh.seek(time);
        equal([...line.now.members], [...fresh.now.members], `time ${time}`);
    }
});

test('what is trimmed leaves the state as it was', () => {
    const events = Array.from({ length: 3_000 }, (_, i) => event(i, i % 3 ? 'suspected' : 'down', i % 7));
    const [line, whole] = [timeline(7, events), timeline(7, events)];
    line.seek(100);
    equal(line.trim(1_700), 1_536);
    equal(line.events[0].at, 1_536);
    for (const time of [1_536, 2_000, 2_999, 1_600]) {
        line.seek(time);
        whole.seek(time);
        equal([...line.now.members], [...whole.now.members], `time ${time}`);
    }
    equal(line.keep(500), 512 + 0);
    holds(line.events.length < 1_012, 'most of the events are forgotten');
});

test('a later member is absent from all that was before', () => {
    const line = timeline(2, [event(10, 'suspected', 0)]);
    line.grow([0, 1, 0], 2, false);
    line.push(event(20, 'placed', 2));
    equal(states(line, 2, [5, 15, 20, 10]), [ABSENT, ABSENT, ALIVE, ABSENT]);
    equal(states(line, 0, [15]), [SUSPECT]);
});

test('troubles are stretches, and a suspicion that ends in death is confirmed', () => {
    const troubles = new Troubles();
    for (const each of [
        event(1, 'suspected', 3), event(2, 'suspected', 3), event(5, 'down', 3), event(9, 'up', 3), event(12, 'suspected', 3),
        event(14, 'cleared', 3), ofZone(20, 'zone_held', 1),
    ]) troubles.push(each);
    const found = troubles.ofMember.get(3).map(({ from, to, state, confirmed }) => [from, to, state, confirmed]);
    equal(found, [[1, 5, SUSPECT, true], [5, 9, DEAD, false], [12, 14, SUSPECT, false]]);
    equal(troubles.ofZone.get(1)[0].to, Infinity);
    equal(Troubles.within(troubles.ofMember, 10, 11), []);
    equal(Troubles.within(troubles.ofMember, 13, 20), [3]);
    troubles.trim(10);
    equal(troubles.ofMember.get(3).length, 1);
    equal(troubles.ofZone.size, 1, 'what goes on is kept');
});
