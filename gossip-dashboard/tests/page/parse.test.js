import { MAX_NAME, parseFile, parseLine } from '../../page/js/parse.js';
import { equal, test, throws } from './test.js';

const HEAD = '{"gossip":1,"source":"s","scenario":"x","end":5000}';

test('an event is named by its parts, and a zone is no member', () => {
    const { at, word, member, zone, by, extra } = parseLine('[1500,"down",3,4,900]');
    equal([at, word, member, zone, by, extra], [1_500, 'down', 3, -1, 4, 900]);
    const held = parseLine('[1500,"zone_held",3]');
    equal([held.member, held.zone, held.by], [-1, 3, -1]);
});

test('a prefix numbers the members of a place, and names are cut', () => {
    equal(parseLine('{"place":["eu","a","r1"],"n":2,"name":"m-"}').names, ['m-01', 'm-02']);
    equal(parseLine('{"place":["eu","a","r1"],"n":3,"name":"m","first":4,"step":9}').names, ['m4', 'm13', 'm22']);
    const [name] = parseLine(JSON.stringify({ place: ['eu'], n: 1, names: ['x'.repeat(500)] })).names;
    equal(name.length, MAX_NAME);
});

test('who heard when is 16 bits a member, the low byte first', () => {
    const line = JSON.stringify({ spread: 0, t: 5, m: 0, what: 'address', heard: btoa('\x05\x01\xff\xff') });
    equal([...parseLine(line).heard], [261, 65_535]);
});

test('lines and keys of a later writer are left aside', () => {
    equal(parseLine('{"later":1}'), null);
    equal(parseLine('[5,"dances",1]').known, false);
    equal(parseLine('{"s":1000,"later":{},"run":4}').run, 4);
});

test('a file that is wrong is refused with the number of its line', () => {
    throws(() => parseFile(`${HEAD}\n\n[1,2`), 'line 3: not JSON');
    throws(() => parseFile('[1,"down",0]'), 'line 1: a recording begins with');
    throws(() => parseFile('{"gossip":7}'), 'reads format 1, and this is format 7');
    throws(() => parseFile(' \n'), 'the file is empty');
    throws(() => parseFile(`${HEAD}\n"text"`), 'line 2: neither an event nor an object');
    throws(() => parseFile(`${HEAD}\nnull`), 'line 2: neither an event nor an object');
});

test('what a line lacks is said', () => {
    throws(() => parseLine('["now","down",1]'), 'begins with its time');
    throws(() => parseLine('[1,"down"]'), 'number of a member or zone');
    throws(() => parseLine('[1,"down",-1]'), 'number of a member or zone');
    throws(() => parseLine('[1,"health",1,1,9]'), 'is 0, 1 or 2');
    throws(() => parseLine('{"place":["eu"],"n":1}'), 'names its members');
    throws(() => parseLine('{"place":["eu"],"n":1e9,"name":"x"}'), 'at most');
    throws(() => parseLine('{"spread":0,"t":1,"m":0,"heard":"***"}'), 'not base64');
    throws(() => parseLine('{"s":1,"acc":[[1]]}'), 'threes of counts');
});

test('expectations keep their bound', () => {
    const { bound, limit, holds } = parseLine('{"expect":"a","words":"b","max":3,"got":4,"ok":false}');
    equal([bound, limit, holds], ['max', 3, false]);
});
