// What is looked at: which recording, which time, which stretch of it, which member.

import { clamp } from './format.js';

export class Scene {
    constructor(recording) {
        this.time = 0;
        this.from = 0;
        this.to = 1;
        this.selected = -1;
        // What the map shows: 'status', 'spread' or 'accused'.
        this.mode = 'status';
        this.spread = 0;
        // Whether the time follows a stream.
        this.follows = false;
        // How a stream fares; `null` for a file.
        this.stream = null;
        this.recording = recording;
    }

    get timeline() {
        return this.recording.timeline;
    }

    get span() {
        return this.to - this.from;
    }

    // The news that the map and its chart follow, if any was followed.
    get news() {
        return this.recording.spreads[this.spread] ?? this.recording.spreads.at(-1) ?? null;
    }

    name(member) {
        return this.recording.names[member];
    }

    zoneName(zone) {
        return this.recording.zones[zone].name;
    }

    at(time) {
        this.time = clamp(time, this.from, this.to);
        this.timeline.seek(this.time);
    }

    // How many members are in each state now.
    counts() {
        const counts = new Uint32Array(9);
        for (let m = 0; m < this.recording.members; m += 1) counts[this.timeline.shown(m)] += 1;
        return counts;
    }

    // How many know the news by now.
    informed() {
        const { news } = this;
        if (!news) return 0;
        const after = this.time - news.at;
        let low = 0;
        let high = news.times.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (news.times[middle] <= after) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
