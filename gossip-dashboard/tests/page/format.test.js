import { clamp, measured, nice, niceTime, roundStamp, short, stamp, upTo } from '../../page/js/format.js';
import { equal, test } from './test.js';

test('times are as fine as the span needs, and are never rounded up', () => {
    equal(stamp(0), '0:00.0');
    equal(stamp(59_999), '0:59.9');
    equal(stamp(125_140, 200), '2:05.140');
    equal(stamp(3_725_000), '1:02:05.0');
    equal(stamp(-5), '0:00.0');
    equal(roundStamp(30_000), '0:30');
});

test('steps of axes are round', () => {
    equal([0.3, 1, 1.2, 2.1, 3, 7, 80].map(nice), [0.5, 1, 2, 2.5, 5, 10, 100]);
    equal([1, 3, 700, 61_000, 4e6].map(niceTime), [1, 5, 1_000, 120_000, 7_200_000]);
});

test('numbers are short where there is little room', () => {
    equal([0, 1.234, 999, 12_345, 2_500_000].map(short), ['0', '1.23', '999', '12.3 k', '2.5 M']);
});

test('values have the unit of their expectation', () => {
    equal(measured(true, ''), 'yes');
    equal(measured(0.157, 's'), '157 ms');
    equal(measured(6.21, 's'), '6.2 s');
    equal(measured(61_240, 'B'), '61.2 kB');
    equal(measured('odd', ''), '?');
});

test('what is at or before a time is counted by halving', () => {
    const list = [1, 2, 2, 5].map((at) => ({ at }));
    equal([0, 1, 2, 4, 5, 9].map((time) => upTo(list, time, (x) => x.at)), [0, 1, 3, 3, 4, 4]);
    equal(clamp(5, 0, 3), 3);
});
