import { parseFile, parseLine } from '../../page/js/parse.js';
import { HISTORY_MS, MAX_EVENTS, Recording } from '../../page/js/recording.js';
import { search } from '../../page/js/view_search.js';
import { ABSENT, ALIVE, DEAD } from '../../page/js/words.js';
import { equal, holds, test, throws } from './test.js';

const HEAD = '{"gossip":1,"source":"s","scenario":"x"}';
const PLACES = [
    '{"place":["eu","a","r1"],"n":2,"names":["ada","bob"]}',
    '{"place":["eu","b","r1"],"n":1,"names":["cid"]}',
];
const file = (...lines) => Recording.ofFile(parseFile([HEAD, ...PLACES, ...lines].join('\n')));

function live(...lines) {
    const recording = new Recording(true);
    for (const line of [HEAD, ...PLACES, ...lines]) recording.add(parseLine(line));
    return recording;
}

test('members are numbered in order, by region, zone and rack', () => {
    const recording = file();
    equal(recording.names, ['ada', 'bob', 'cid']);
    equal(recording.zones.map((zone) => zone.name), ['eu/a', 'eu/b']);
    equal(recording.racks.map((rack) => rack.members), [[0, 1], [2]]);
});

test('who joins later goes to the place that is there, and is told of once', () => {
    const recording = live('[1000,"down",0]', PLACES[0].replace('"n":2', '"n":3').replace('"bob"', '"bob","dan"'), '[2000,"up",5]');
    equal(recording.names, ['ada', 'bob', 'cid', 'dan']);
    equal(recording.racks.length, 2);
    equal(recording.racks[0].members, [0, 1, 3]);
    recording.timeline.seek(500);
    equal(recording.timeline.shown(3), ABSENT);
    recording.timeline.seek(2_000);
    equal(recording.timeline.shown(3), ALIVE);
    equal(recording.timeline.shown(0), DEAD, 'who is told of again keeps its state');
});

test('a name that comes after its member takes the place of the id', () => {
    const recording = live('{"place":["eu","a","r1"],"n":1,"names":["ID7"]}', '{"named":3,"name":"dan"}', '{"named":9,"name":"eve"}');
    equal(recording.names, ['ada', 'bob', 'cid', 'dan']);
    recording.add(parseLine('{"named":3,"name":"ada"}'));
    equal(recording.names, ['ada', 'bob', 'cid', 'dan'], 'nobody takes the name of another');
});

test('who comes back elsewhere moves', () => {
    const recording = live('[1000,"down",1]', '{"place":["eu","b","r1"],"n":1,"names":["bob"]}');
    equal(recording.racks.map((rack) => rack.members), [[0], [2, 1]]);
    equal(recording.zoneOf[1], 1);
});

test('absent members are there once they come', () => {
    const recording = file('{"absent":[2]}', '[3000,"up",2]');
    recording.timeline.seek(2_999);
    equal(recording.timeline.shown(2), ABSENT);
    recording.timeline.seek(3_000);
    equal(recording.timeline.shown(2), ALIVE);
});

test('a file may have its lines out of order', () => {
    const recording = file('[3000,"up",1]', '[1000,"down",1]', '{"s":2000,"run":3}', '{"s":500,"run":3}');
    recording.timeline.seek(2_000);
    equal(recording.timeline.shown(1), DEAD);
    equal(recording.seconds.map((second) => second.at), [500, 2_000]);
    equal(recording.end, 3_000);
});

test('faults are in the order of time, and know the places that they hit', () => {
    const recording = file('{"fault":"cut","t":1,"to":9,"zone":0,"text":"cut"}', '{"fault":"crash","t":0,"rack":1}', '{"fault":"pause","t":5,"m":[1]}');
    equal(recording.faults.map((fault) => fault.fault), ['crash', 'cut', 'pause']);
    equal(recording.faults.map((fault) => [fault.rack, fault.zones, fault.members]), [[1, [], []], [-1, [0], []], [-1, [], [1]]]);
});

test('events of members and zones that nobody placed are refused', () => {
    throws(() => live('[1,"down",9]'), 'member 9 has no place line');
    throws(() => live('[1,"zone_held",9]'), 'zone 9 has no place line');
});

test('the history of a stream is bounded by time', () => {
    const recording = live();
    for (let at = 0; at < 2 * HISTORY_MS; at += 500) {
        recording.add(parseLine(`[${at},"${at % 1_000 ? 'suspected' : 'cleared'}",1]`));
        if (at % 1_000 === 0) recording.add(parseLine(`{"s":${at},"run":3}`));
    }
    const oldest = recording.end - HISTORY_MS - 30_000;
    holds(recording.seconds[0].at >= oldest, 'old seconds are kept');
    holds(recording.troubles.ofMember.get(1)[0].from >= oldest, 'old stretches are kept');
    // Events go by whole steps.
    holds(recording.timeline.events[0].at >= oldest - 512 * 500, 'old events are kept');
    equal([...recording.counts.values()].reduce((a, b) => a + b), recording.timeline.events.length);
    equal(recording.forgotten + recording.timeline.events.length, (2 * HISTORY_MS) / 500);
});

test('the history of a stream is bounded in number', () => {
    const recording = live();
    for (let i = 0; i < MAX_EVENTS + 20_000; i += 1) recording.add(parseLine(`[${i},"accused",1,0]`));
    holds(recording.timeline.events.length <= MAX_EVENTS + 11_000, `${recording.timeline.events.length} events`);
    recording.add(parseLine(`{"s":${MAX_EVENTS + 40_000},"run":1}`));
    holds(recording.timeline.events.length <= MAX_EVENTS + 512, `${recording.timeline.events.length} events`);
});

test('a search finds names first that begin with it, then parts and places', () => {
    const recording = file('{"place":["bo","z","r"],"n":2,"names":["eve","jumbo"]}');
    equal(search(recording, 'BO').map((m) => recording.names[m]), ['bob', 'jumbo', 'eve']);
    equal(search(recording, ' '), []);
    equal(search(recording, 'eu/a', 1), [0]);
});

test('a stream begins with its first event, however few there are', () => {
    const recording = live('[40,"down",0]', '{"s":1000,"run":2}');
    equal([recording.start, recording.from, recording.end], [40, 40, 1_000]);
});
