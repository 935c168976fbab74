// Where each member's cell is: regions beside each other, zones within them, racks within those.

const MARGIN = 6;
const REGION_GAP = 18;
const REGION_HEAD = 20;
const ZONE_HEAD = 16;
const ZONE_GAP = 10;
const RACK_GAP = 8;
// The narrowest that a region, a zone and a rack may be.
const REGION_MIN = 220;
const ZONE_MIN = 64;
const RACK_MIN = 46;
// The largest cell, where there are few members and where there are many, and the smallest.
const FEW = 100;
const LARGEST_OF_FEW = 56;
const LARGEST = 30;
const SMALLEST = 2;

export function cellGap(cell) {
    return cell >= 14 ? 2.5 : cell >= 7 ? 1.5 : cell >= 4 ? 1 : 0.5;
}

// Racks of a zone in rows; returns the height, or Infinity where a rack is narrower than a cell.
function layZone(recording, zone, x, y, width, cell, cells) {
    const { racks } = recording.zones[zone];
    const fits = Math.min(racks.length, Math.max(1, Math.floor(width / RACK_MIN)));
    const perRow = Math.ceil(racks.length / Math.ceil(racks.length / fits));
    const rackWidth = (width - RACK_GAP * (perRow - 1)) / perRow;
    const columns = Math.floor(rackWidth / cell);
    if (columns < 1) return Infinity;
    let top = y;
    for (let first = 0; first < racks.length; first += perRow) {
        let rows = 0;
        racks.slice(first, first + perRow).forEach((rack, i) => {
            const { members } = recording.racks[rack];
            const left = x + i * (rackWidth + RACK_GAP);
            rows = Math.max(rows, Math.ceil(members.length / columns));
            if (!cells) return;
            members.forEach((member, k) => {
                cells[2 * member] = left + (k % columns) * cell;
                cells[2 * member + 1] = top + Math.floor(k / columns) * cell;
            });
        });
        top += rows * cell + MARGIN;
    }
    return top - y;
}

// Everything with one size of cells and one number of zones beside each other; returns the height.
function lay(recording, plan, cell, out) {
    const { regions, zonesBeside, width, columns } = plan;
    const regionWidth = (width - REGION_GAP * (columns - 1)) / columns;
    const zoneWidth = (regionWidth - ZONE_GAP * (zonesBeside - 1)) / zonesBeside;
    let y = 0;
    for (let first = 0; first < regions.length; first += columns) {
        let tallest = 0;
        regions.slice(first, first + columns).forEach((zones, i) => {
            const x = MARGIN + i * (regionWidth + REGION_GAP);
            let top = y + REGION_HEAD;
            out?.labels.push({ region: recording.regions[first + i], x, y: y + 11, width: regionWidth });
            for (let row = 0; row < zones.length; row += zonesBeside) {
                let tall = 0;
                zones.slice(row, row + zonesBeside).forEach((zone, k) => {
                    const left = x + k * (zoneWidth + ZONE_GAP);
                    const height = ZONE_HEAD + layZone(recording, zone, left, top + ZONE_HEAD, zoneWidth, cell, out?.cells);
                    out?.labels.push({ zone, x: left, y: top + 10, width: zoneWidth, top, bottom: top + height - 2 });
                    tall = Math.max(tall, height);
                });
                top += tall + 5;
            }
            tallest = Math.max(tallest, top - y);
        });
        y += tallest + (first + columns < regions.length ? 8 : 0);
    }
    return y + 4;
}

// The largest cell with which all is at most `wanted` high, or the smallest.
function largestCell(recording, plan, wanted) {
    let cell = recording.members <= FEW ? LARGEST_OF_FEW : LARGEST;
    while (cell > SMALLEST && lay(recording, plan, cell, null) > wanted) cell -= cell > 12 ? 1 : 0.5;
    return cell;
}

// Cells of all members (x, y in turn), their size, labels of regions and zones, and the height of all.
export function layOut(recording, width, wanted) {
    const inner = Math.max(120, width - 2 * MARGIN);
    const zones = [...recording.zones.keys()];
    const regions = recording.regions.map((region) => zones.filter((zone) => recording.zones[zone].region === region));
    const narrow = inner < 560 && regions.length > 1;
    const columns = narrow ? 1 : Math.max(1, Math.min(regions.length, Math.floor(inner / REGION_MIN)));
    const regionWidth = (inner - REGION_GAP * (columns - 1)) / columns;
    const most = Math.max(1, ...regions.map((list) => list.length));
    let best = null;
    for (let zonesBeside = 1; zonesBeside <= Math.min(most, 12); zonesBeside += 1) {
        if (zonesBeside > 1 && regionWidth / zonesBeside < ZONE_MIN + ZONE_GAP) break;
        const plan = { regions, zonesBeside, width: inner, columns };
        const cell = largestCell(recording, plan, wanted);
        const height = lay(recording, plan, cell, null);
        const better = !best || cell > best.cell + 0.25 || (best.height > wanted && height < best.height);
        if (better && (height < Infinity || !best)) best = { plan, cell, height };
    }
    const out = { labels: [], cells: new Float32Array(2 * recording.members) };
    const height = Math.ceil(lay(recording, best.plan, best.cell, out));
    const gap = cellGap(best.cell);
    return { ...out, cell: best.cell, size: best.cell - gap, height: Math.min(height, 32_000) };
}

// Finds the member at or next to a point: cells by squares of the map.
export class Finder {
    constructor({ cells, cell }) {
        this.cells = cells;
        this.cell = cell;
        this.squares = new Map();
        for (let m = 0; m < cells.length / 2; m += 1) {
            const key = this.square(cells[2 * m], cells[2 * m + 1]);
            const list = this.squares.get(key) ?? [];
            list.push(m);
            this.squares.set(key, list);
        }
    }

    square(x, y) {
        return Math.floor(y / 64) * 4_096 + Math.floor(x / 64);
    }

    at(x, y) {
        const { cells, cell } = this;
        let best = -1;
        let nearest = cell * cell * 1.2 + 9;
        for (const dy of [-64, 0, 64]) {
            for (const dx of [-64, 0, 64]) {
                for (const m of this.squares.get(this.square(x + dx, y + dy)) ?? []) {
                    const distance = (cells[2 * m] + cell / 2 - x) ** 2 + (cells[2 * m + 1] + cell / 2 - y) ** 2;
                    if (distance < nearest) [nearest, best] = [distance, m];
                }
            }
        }
        return best;
    }

    // The next member from one in a direction, or the same.
    beside(member, dx, dy) {
        const { cells, cell } = this;
        const [x, y] = [cells[2 * member] + cell / 2, cells[2 * member + 1] + cell / 2];
        for (let k = 1; k < 120; k += 1) {
            const found = this.at(x + dx * cell * k, y + dy * cell * k);
            if (found >= 0 && found !== member) return found;
        }
        return member;
    }
}
