import { MAX_LINES, accusedCounts, accusers, between, firstLevel, matrix } from '../../page/js/accusations.js';
import { parseLine } from '../../page/js/parse.js';
import { Recording } from '../../page/js/recording.js';
import { equal, test } from './test.js';

function recording(zones, ...lines) {
    const made = new Recording();
    made.add(parseLine('{"gossip":1}'));
    for (let z = 0; z < zones; z += 1) {
        made.add(parseLine(JSON.stringify({ place: [`r${z % 2}`, `z${z}`, 'x'], n: 3, name: `z${z}-` })));
    }
    for (const line of lines) made.add(parseLine(line));
    made.timeline.seek(100_000);
    return made;
}

test('who accuses several is found, and who is accused is counted', () => {
    const late = [1, 2, 3, 4].map((m) => `[90000,"accused",${m},0]`);
    const made = recording(2, '[10,"accused",5,0]', ...late, '[90000,"accused",1,2]');
    equal(accusers(made, 100_000).map(([m, set]) => [m, set.size]), [[0, 4]]);
    equal([...accusedCounts(made, 100_000)], [0, 2, 1, 1, 1, 0], 'only of late');
    const { by, accuses } = between(made, 1, 100_000);
    equal([[...by], [...accuses]], [[2, 0], []]);
});

test('the seconds count what the events could not tell one by one', () => {
    const made = recording(2, '[1000,"accused",3,0]', '{"s":1000,"acc":[[0,1,70],[9,1,4]]}', '{"s":2000,"acc":[[1,0,5]]}');
    const all = matrix(made, { level: 'zones', pair: null }, 0, 100_000);
    equal([all.total, all.most, all.at(0, 1), all.at(1, 0)], [75, 70, 70, 5]);
    equal(matrix(made, { level: 'zones', pair: null }, 1_500, 100_000).total, 5, 'from a time');
    equal(matrix(made, { level: 'zones', pair: null }, 0, 1_500).total, 70, 'to a time');
    const members = matrix(made, { level: 'members', pair: [0, 1] }, 0, 100_000);
    equal([members.rows, members.columns, members.at(0, 3)], [[0], [3], 1]);
});

test('many zones stand by region first, and only the busiest are shown', () => {
    equal(firstLevel(recording(MAX_LINES)), 'zones');
    const made = recording(60, '[1000,"accused",177,0]', '[1000,"accused",177,1]');
    equal(firstLevel(made), 'regions');
    const regions = matrix(made, { level: 'regions' }, 0, 100_000);
    equal([regions.rows.length, regions.at(0, 1)], [2, 2]);
    const zones = matrix(made, { level: 'zones', pair: [0, 1] }, 0, 100_000);
    equal([zones.rows.length, zones.columns.length, zones.hidden], [MAX_LINES, MAX_LINES, 12]);
    equal(zones.at(0, 59), 2);
    equal(zones.columns.includes(59), true, 'the busiest is among them');
});
