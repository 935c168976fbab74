import { Finder, layOut } from '../../page/js/map_layout.js';
import { parseLine } from '../../page/js/parse.js';
import { Recording } from '../../page/js/recording.js';
import { equal, holds, test } from './test.js';

function cluster(regions, zones, racks, members) {
    const recording = new Recording();
    recording.add(parseLine('{"gossip":1}'));
    for (let r = 0; r < regions; r += 1) {
        for (let z = 0; z < zones; z += 1) {
            for (let k = 0; k < racks; k += 1) {
                recording.add(parseLine(JSON.stringify({ place: [`r${r}`, `z${z}`, `k${k}`], n: members, name: `${r}.${z}.${k}.` })));
            }
        }
    }
    return recording;
}

// Every shape of cluster has each cell within the map, and no two at one place.
for (const [regions, zones, racks, members, width] of [
    [1, 1, 1, 1, 800], [3, 3, 4, 28, 1_000], [3, 3, 4, 278, 1_000], [5, 20, 1, 10, 1_000], [1, 100, 1, 5, 400], [40, 1, 1, 3, 360],
    [2, 2, 60, 5, 700],
]) {
    test(`${regions} regions of ${zones} zones of ${racks} racks of ${members} have a cell for each`, () => {
        const recording = cluster(regions, zones, racks, members);
        const { cells, size, height, cell } = layOut(recording, width, 560);
        const seen = new Set();
        for (let m = 0; m < recording.members; m += 1) {
            const [x, y] = [cells[2 * m], cells[2 * m + 1]];
            holds(x >= 0 && x + size <= width + 1, `member ${m} is at ${x} of ${width}`);
            holds(y >= 0 && y + size <= height + 1, `member ${m} is at ${y} of ${height}`);
            seen.add(`${Math.round(x * 4)} ${Math.round(y * 4)}`);
        }
        equal(seen.size, recording.members, 'cells');
        holds(cell >= 2, `cells of ${cell}`);
    });
}

test('a point finds the member whose cell is there, and keys the one beside', () => {
    const recording = cluster(2, 2, 2, 9);
    const layout = layOut(recording, 900, 500);
    const finder = new Finder(layout);
    const { cells, size } = layout;
    for (let m = 0; m < recording.members; m += 1) {
        equal(finder.at(cells[2 * m] + size / 2, cells[2 * m + 1] + size / 2), m);
    }
    equal(finder.beside(0, 1, 0), 1);
    equal(finder.beside(1, -1, 0), 0);
    equal(finder.at(-500, -500), -1);
});
