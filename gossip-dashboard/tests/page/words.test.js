import { KINDS, sentence } from '../../page/js/words.js';
import { equal, holds, test } from './test.js';

const names = ['ada', 'bob'];
const say = (word, rest = {}) => sentence({ word, member: 0, zone: 0, by: 1, extra: 0, ...rest }, (m) => names[m], () => 'eu/a');

test('each kind of event is a sentence that names who', () => {
    for (const word of KINDS.keys()) {
        const words = say(word);
        holds(words.includes(word.startsWith('zone') ? 'eu/a' : 'ada'), words);
    }
    equal(say('suspected'), 'ada is suspected by bob');
    equal(say('suspected', { by: -1 }), 'ada is suspected');
    equal(say('down', { extra: 4_100 }), 'bob declares ada dead; all know in 4.1 s');
    equal(say('accused'), 'bob cannot reach ada');
    equal(say('accused', { by: -1 }), 'ada cannot be reached');
    equal(say('health', { extra: 2 }), 'ada is unhealthy');
    equal(say('zone_held', { extra: 3 }), 'zone eu/a is quarantined by 3');
});

test('a word that is not known is said as it is', () => {
    equal(say('dances'), 'ada is dances');
});
