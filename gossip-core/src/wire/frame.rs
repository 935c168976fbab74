//! The frame: a fixed header, then sections that a reader can skip.
//!
//! ```text
//! header   version 1 · key 1 · cluster tag 4 · sender 8 · fingerprint 8
//! section  tag 1 · length 2 · body
//! 32 records      record, as many as fit
//! 33 accusations  accusation, as many as fit
//! 34, 35          who signed them: see `proof`
//! 14, 15, 16      digests, lists and requests: see `sync`
//! 17 limit        the longest answer that reaches the sender 2
//! 19 sieve        see `sieve`
//! 48 to 51        kept state: see `state`
//! 53 to 55        user events: see `event`
//! 56 to 59        cluster-wide values: see `value`
//! 60 pulses       see `pulse`
//! 62 answer       see `answer`
//! ```

pub(crate) mod accusations;
#[cfg(feature = "seal")]
mod body;
mod class;
#[cfg(feature = "identity")]
mod proofs;
mod pulses;
mod values;

#[cfg(feature = "identity")]
use super::proof::{decode_proof, decode_signed_accusation};
use super::{
    answer::{BESIDE_FOUND, Reply, decode_reply, encode_reply},
    codec::{Reader, Writer},
    event::{self, decode_event, encode_event},
    message::{Message, Nonce},
    pulse::decode_pulse,
    record::{Aged, decode_accusation, decode_record, encode_record, id},
    sections::Sections,
    sieve::{Bits, SIEVE_HEAD, Sieve, decode_sieve, encode_sieve},
    state::{
        Head, Notice, Range, Want, decode_head, decode_item, decode_range, decode_want, encode_head,
        encode_item, encode_range, encode_want,
    },
    sync::{
        Digest, List, decode_digest, decode_list, decode_request, encode_digest, encode_list, encode_request,
    },
    value::{self, decode_key, decode_list as decode_versions, decode_sum, decode_value},
};
use crate::{
    tables::{
        events::event::{self as events, UserEvent},
        state::tell::Told,
        values::value::Value,
    },
    vocabulary::{
        bounds::MAX_ENTRIES,
        config::MIN_DATAGRAM,
        error::{Malformed, Verdict},
        key::ValueKey,
        record::{Accusation, Fingerprint, NodeId, Record},
    },
};

/// The version of the format that this release writes.
const VERSION: u8 = 1;
/// The key id of datagrams in the clear.
const CLEAR: u8 = 0;
/// Bytes of the header.
pub(crate) const HEADER: usize = 1 + 1 + 4 + 8 + 8;
const DIGESTS: u8 = 14;
const LISTS: u8 = 15;
const REQUESTS: u8 = 16;
const LIMIT: u8 = 17;
const SIEVE: u8 = 19;
const RECORDS: u8 = 32;
const ACCUSATIONS: u8 = 33;
#[cfg(feature = "identity")]
const PROOFS: u8 = 34;
#[cfg(feature = "identity")]
const SIGNED_ACCUSATIONS: u8 = 35;
const ITEMS: u8 = 48;
const HEADS: u8 = 49;
const WANTS: u8 = 50;
const RANGES: u8 = 51;
const EVENTS: u8 = 53;
const EVENT_HEADS: u8 = 54;
const EVENT_WANTS: u8 = 55;
const VALUES: u8 = 56;
const SUM: u8 = 57;
const VERSIONS: u8 = 58;
const KEYS: u8 = 59;
const PULSES: u8 = 60;
const ANSWER: u8 = 62;
/// The most sections, known or not.
const MAX_SECTIONS: usize = 16;
/// The most sections that a [`Draft`] has: one of each tag that are written together, and more.
const MAX_WRITTEN: usize = 16;
const _: () = assert!(MAX_WRITTEN <= MAX_SECTIONS, "a node sends what it would refuse");
/// Bytes of a section's tag and length.
const SECTION: usize = 3;
/// Bytes of the section that tells the sum of values.
pub(crate) const SUM_BYTES: usize = SECTION + 4;
/// Bytes of the section that tells a limit.
pub(crate) const LIMIT_BYTES: usize = SECTION + 2;
/// Bytes of a datagram with a limit and one section more, without the body of that.
pub(crate) const BESIDE_SECTIONS: usize = HEADER + LIMIT_BYTES + SECTION;
/// Bytes of a datagram with a limit and a sieve, without the bits of that.
pub(crate) const BESIDE_SIEVE: usize = HEADER + LIMIT_BYTES + SECTION + SIEVE_HEAD;

/// Bytes of a datagram with a limit and an answer, beside what was found.
pub(crate) const BESIDE_ANSWER: usize = HEADER + LIMIT_BYTES + SECTION + BESIDE_FOUND;

/// Who sends, to which cluster, and what it knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) cluster: u32,
    pub(crate) sender: NodeId,
    pub(crate) fingerprint: Fingerprint,
}

/// A datagram whose header is understood; nothing in it is believed yet.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) header: Header,
    sections: &'a [u8],
}

impl<'a> Frame<'a> {
    /// # Errors
    /// The verdict on a datagram that is not a frame of this protocol.
    pub(crate) fn decode(datagram: &'a [u8]) -> Result<Self, Verdict> {
        let mut reader = Reader { rest: datagram };
        let version = reader.u8().map_err(Verdict::Malformed)?;
        if version != VERSION {
            return Err(Verdict::UnknownVersion(version));
        }
        let key = reader.u8().map_err(Verdict::Malformed)?;
        if key != CLEAR {
            return Err(Verdict::UnknownKey(key));
        }
        let header = decode_header(&mut reader).map_err(Verdict::Malformed)?;
        Ok(Self { header, sections: reader.rest })
    }

    /// Goes through the whole datagram once and checks every value.
    pub(crate) fn contents(self) -> Result<Contents<'a>, Malformed> {
        let (sum, versions) = (None, None);
        let mut contents = Contents {
            message: None,
            answer: None,
            limit: None,
            sieve: None,
            sum,
            versions,
            sections: self.sections,
        };
        let (mut sections, mut entries) = (0, 0);
        for section in Sections(self.sections) {
            let (tag, body) = section?;
            sections += 1;
            match tag {
                RECORDS => entries += count(tag, body, decode_record)?,
                ACCUSATIONS => entries += count(tag, body, decode_accusation)?,
                #[cfg(feature = "identity")]
                PROOFS => _ = count(tag, body, decode_proof)?,
                #[cfg(feature = "identity")]
                SIGNED_ACCUSATIONS => entries += count(tag, body, decode_signed_accusation)?,
                ITEMS => entries += count(tag, body, decode_item)?,
                EVENTS => entries += count(tag, body, decode_event)?,
                VALUES => entries += count(tag, body, decode_value)?,
                // Bounded by the datagram's length; they raise no events.
                HEADS => _ = count(tag, body, decode_head)?,
                WANTS => _ = count(tag, body, decode_want)?,
                RANGES => _ = count(tag, body, decode_range)?,
                EVENT_HEADS => _ = count(tag, body, event::decode_head)?,
                EVENT_WANTS => _ = count(tag, body, event::decode_want)?,
                KEYS => _ = count(tag, body, decode_key)?,
                PULSES => _ = count(tag, body, decode_pulse)?,
                DIGESTS => _ = count(tag, body, decode_digest)?,
                LISTS => _ = count(tag, body, decode_list)?,
                REQUESTS => _ = count(tag, body, decode_request)?,
                SUM => {
                    if contents.sum.replace(whole(tag, decode_sum(body))?).is_some() {
                        return Err(Malformed::TooMany);
                    }
                }
                VERSIONS => {
                    if contents.versions.replace(whole(tag, decode_versions(body))?).is_some() {
                        return Err(Malformed::TooMany);
                    }
                }
                LIMIT => {
                    if contents.limit.replace(decode_limit(body)?).is_some() {
                        return Err(Malformed::TooMany);
                    }
                }
                SIEVE => {
                    if contents.sieve.replace(whole(tag, decode_sieve(body))?).is_some() {
                        return Err(Malformed::TooMany);
                    }
                }
                ANSWER => contents.put_answer(whole(tag, decode_reply(body))?)?,
                _ => contents.put_message(Message::decode(tag, body)?)?,
            }
            if entries > MAX_ENTRIES || sections > MAX_SECTIONS {
                return Err(Malformed::TooMany);
            }
        }
        Ok(contents)
    }
}

fn decode_header(reader: &mut Reader<'_>) -> Result<Header, Malformed> {
    let cluster = reader.u32()?;
    let sender = id(reader)?;
    Ok(Header { cluster, sender, fingerprint: Fingerprint(reader.u64()?) })
}

fn decode_limit(body: &[u8]) -> Result<u16, Malformed> {
    let &[high, low] = body else { return Err(Malformed::Section(LIMIT)) };
    let limit = u16::from_be_bytes([high, low]);
    if limit < MIN_DATAGRAM { Err(Malformed::Value) } else { Ok(limit) }
}

type Decode<'a, T> = fn(&mut Reader<'a>) -> Result<T, Malformed>;

fn count<'a, T>(tag: u8, body: &'a [u8], decode: Decode<'a, T>) -> Result<usize, Malformed> {
    let mut reader = Reader { rest: body };
    let mut entries = 0;
    while !reader.is_empty() {
        let _ = whole(tag, decode(&mut reader))?;
        entries += 1;
    }
    Ok(entries)
}

/// What ends too early in a section does not end the datagram too early.
fn whole<T>(tag: u8, decoded: Result<T, Malformed>) -> Result<T, Malformed> {
    decoded.map_err(|error| match error {
        Malformed::Truncated => Malformed::Section(tag),
        other => other,
    })
}

/// What a datagram says, decoded without fault from end to end.
pub(crate) struct Contents<'a> {
    pub(crate) message: Option<Message>,
    /// In place of a message.
    pub(crate) answer: Option<Reply<'a>>,
    /// The longest datagram that reaches the sender, if it says so.
    pub(crate) limit: Option<u16>,
    /// What the sender has, if it asks for what it lacks.
    pub(crate) sieve: Option<Sieve<'a>>,
    /// The sum over the values that the sender holds, if it says so.
    pub(crate) sum: Option<u32>,
    /// Which versions of values it holds, if it says so.
    pub(crate) versions: Option<value::List<'a>>,
    sections: &'a [u8],
}

impl<'a> Contents<'a> {
    /// One message or answer to one datagram: two would be more bytes than the question had.
    fn put_message(&mut self, message: Option<Message>) -> Result<(), Malformed> {
        let Some(message) = message else { return Ok(()) };
        let is_first = self.message.replace(message).is_none() && self.answer.is_none();
        if is_first { Ok(()) } else { Err(Malformed::TooMany) }
    }

    fn put_answer(&mut self, answer: Reply<'a>) -> Result<(), Malformed> {
        let is_first = self.answer.replace(answer).is_none() && self.message.is_none();
        if is_first { Ok(()) } else { Err(Malformed::TooMany) }
    }

    /// The records, in order: the second pass.
    pub(crate) fn records(&self) -> impl Iterator<Item = Aged> + use<'a> {
        entries(self.sections, RECORDS, decode_record)
    }

    /// The items of kept state, in order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Notice<'a>> + use<'a> {
        entries(self.sections, ITEMS, decode_item)
    }

    /// The heads, in order.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Head> + use<'a> {
        entries(self.sections, HEADS, decode_head)
    }

    /// What is wanted of kept state, in order.
    pub(crate) fn wants(&self) -> impl Iterator<Item = Want> + use<'a> {
        entries(self.sections, WANTS, decode_want)
    }

    /// The ranges whose state is asked for, in order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range> + use<'a> {
        entries(self.sections, RANGES, decode_range)
    }

    /// The user events, in order.
    pub(crate) fn user_events(&self) -> impl Iterator<Item = UserEvent<'a>> + use<'a> {
        entries(self.sections, EVENTS, decode_event)
    }

    /// The heads of user events, in order.
    pub(crate) fn event_heads(&self) -> impl Iterator<Item = events::Head> + use<'a> {
        entries(self.sections, EVENT_HEADS, event::decode_head)
    }

    /// What is wanted of user events, in order.
    pub(crate) fn event_wants(&self) -> impl Iterator<Item = events::Want> + use<'a> {
        entries(self.sections, EVENT_WANTS, event::decode_want)
    }

    /// The cluster-wide values, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        entries(self.sections, VALUES, decode_value)
    }

    /// The keys whose values are asked for, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = ValueKey> + use<'a> {
        entries(self.sections, KEYS, decode_key)
    }

    /// The accusations, in order.
    pub(crate) fn accusations(&self) -> impl Iterator<Item = Accusation> + use<'a> {
        entries(self.sections, ACCUSATIONS, decode_accusation)
    }

    /// The digests, in order.
    pub(crate) fn digests(&self) -> impl Iterator<Item = Digest> + use<'a> {
        entries(self.sections, DIGESTS, decode_digest)
    }

    /// The lists, in order.
    pub(crate) fn lists(&self) -> impl Iterator<Item = List> + use<'a> {
        entries(self.sections, LISTS, decode_list)
    }

    /// The members whose records are wanted, in order.
    pub(crate) fn requests(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        entries(self.sections, REQUESTS, decode_request)
    }
}

fn entries<'a, T>(
    sections: &'a [u8],
    wanted: u8,
    decode: Decode<'a, T>,
) -> impl Iterator<Item = T> + use<'a, T> {
    let bodies = Sections(sections).map_while(Result::ok).filter(move |&(tag, _)| tag == wanted);
    bodies.flat_map(move |(_, body)| {
        let mut reader = Reader { rest: body };
        core::iter::from_fn(move || if reader.is_empty() { None } else { decode(&mut reader).ok() })
    })
}

/// A section being written.
#[derive(Clone, Copy)]
struct Section {
    tag: u8,
    /// Where its body begins.
    start: usize,
}

/// A datagram being written. It always decodes, whatever is added in any order: what would exceed a bound is refused,
/// and the entries of a tag stand in one section, in the order in which they were added.
pub(crate) struct Draft<'a> {
    writer: Writer<'a>,
    /// Entries written, and kept for later.
    entries: usize,
    has_message: bool,
    /// As they stand in the datagram: in the order of their first entries.
    sections: heapless::Vec<Section, MAX_WRITTEN>,
}

impl<'a> Draft<'a> {
    /// Starts a datagram in `space`, which must hold a header.
    pub(crate) fn new(space: &'a mut [u8], header: &Header) -> Self {
        let mut writer = Writer::new(space);
        writer.u8(VERSION);
        writer.u8(CLEAR);
        writer.u32(header.cluster);
        writer.put(&header.sender.to_bytes());
        writer.u64(header.fingerprint.0);
        Self { writer, entries: 0, has_message: false, sections: heapless::Vec::new() }
    }

    /// The length of a datagram with this message alone.
    pub(crate) fn length_with(message: &Message) -> usize {
        HEADER + SECTION + message.len()
    }

    /// Adds a message; false (and nothing written) when it does not fit, or there is one already.
    pub(crate) fn message(&mut self, message: &Message) -> bool {
        let fits = !self.has_message && self.append(message.tag(), |writer| message.encode(writer));
        self.has_message |= fits;
        fits
    }

    /// Adds an answer; false (and nothing written) when it does not fit, or there is a message already.
    pub(crate) fn answer(&mut self, reply: &Reply<'_>) -> bool {
        let fits = !self.has_message && self.append(ANSWER, |writer| encode_reply(writer, reply));
        self.has_message |= fits;
        fits
    }

    /// Says that nothing longer reaches the sender; false when it does not fit, or was said already.
    pub(crate) fn limit(&mut self, bytes: u16) -> bool {
        !self.has(LIMIT) && self.append(LIMIT, |writer| writer.u16(bytes.max(MIN_DATAGRAM)))
    }

    /// Adds a record; false when it does not fit or the datagram has its entries.
    pub(crate) fn record(&mut self, record: &Aged) -> bool {
        self.entry(RECORDS, |writer| encode_record(writer, record))
    }

    /// Adds an item of an owner with this record, whose entries `tell` writes; false when it does not fit, there is nothing
    /// to tell, or the datagram has its entries.
    pub(crate) fn item(
        &mut self,
        owner: &Record,
        age: u32,
        tell: impl FnOnce(&mut [u8]) -> Option<Told>,
    ) -> bool {
        self.entry(ITEMS, |writer| encode_item(writer, owner, age, tell))
    }

    /// Adds an item as it was decoded.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn notice(&mut self, notice: &Notice<'_>) -> bool {
        self.entry(ITEMS, |writer| super::state::encode_notice(writer, notice))
    }

    /// Adds a head; false when it does not fit.
    pub(crate) fn head(&mut self, head: &Head) -> bool {
        self.append(HEADS, |writer| encode_head(writer, head))
    }

    /// Asks for what is missing of an owner's state; false when it does not fit.
    pub(crate) fn want(&mut self, want: &Want) -> bool {
        self.append(WANTS, |writer| encode_want(writer, want))
    }

    /// Asks for the state of a range of owners; false when it does not fit.
    pub(crate) fn range(&mut self, range: &Range) -> bool {
        self.append(RANGES, |writer| encode_range(writer, range))
    }

    /// Adds a user event; false when it does not fit or the datagram has its entries.
    pub(crate) fn user_event(&mut self, event: &UserEvent<'_>) -> bool {
        self.entry(EVENTS, |writer| encode_event(writer, event))
    }

    /// Adds the head of a user event; false when it does not fit.
    pub(crate) fn event_head(&mut self, head: &events::Head) -> bool {
        self.append(EVENT_HEADS, |writer| event::encode_head(writer, head))
    }

    /// Asks for user events; false when it does not fit.
    pub(crate) fn event_want(&mut self, want: &events::Want) -> bool {
        self.append(EVENT_WANTS, |writer| event::encode_want(writer, want))
    }

    fn has(&self, tag: u8) -> bool {
        self.sections.iter().any(|section| section.tag == tag)
    }

    /// Keeps this many bytes free for later; false, and nothing kept, when there are not as many.
    pub(crate) fn reserve_bytes(&mut self, bytes: usize) -> bool {
        self.writer.reserve(bytes)
    }

    /// Gives bytes that were kept free again.
    pub(crate) fn release_bytes(&mut self, bytes: usize) {
        self.writer.release(bytes);
    }

    /// Adds a digest; false when it does not fit.
    pub(crate) fn digest(&mut self, digest: &Digest) -> bool {
        self.append(DIGESTS, |writer| encode_digest(writer, digest))
    }

    /// Adds a list; false when it does not fit.
    pub(crate) fn list(&mut self, list: &List) -> bool {
        self.append(LISTS, |writer| encode_list(writer, list))
    }

    /// Asks for a member's record; false when it does not fit.
    pub(crate) fn request(&mut self, id: NodeId) -> bool {
        self.append(REQUESTS, |writer| encode_request(writer, id))
    }

    /// Adds a sieve of a range with this many `bytes` of bits, which `fill` sets; false when it does not fit, or
    /// there is a sieve already.
    pub(crate) fn sieve(
        &mut self,
        (nonce, from, until): (Nonce, u32, u32),
        bytes: usize,
        fill: impl FnOnce(&mut Bits<'_>),
    ) -> bool {
        !self.has(SIEVE)
            && self.append(SIEVE, |writer| encode_sieve(writer, (nonce, from, until), bytes, fill))
    }

    /// Keeps room for a message to be added later; false, and nothing kept, when there is none.
    pub(crate) fn reserve_message(&mut self, message: &Message) -> bool {
        self.writer.reserve(SECTION + message.len())
    }

    /// Adds a message that room was kept for.
    pub(crate) fn reserved_message(&mut self, message: &Message) -> bool {
        self.writer.release(SECTION + message.len());
        self.message(message)
    }

    fn entry(&mut self, tag: u8, encode: impl FnOnce(&mut Writer<'_>)) -> bool {
        let fits = self.entries < MAX_ENTRIES && self.append(tag, encode);
        self.entries += usize::from(fits);
        fits
    }

    /// Adds to the section of that tag, or begins one.
    fn append(&mut self, tag: u8, encode: impl FnOnce(&mut Writer<'_>)) -> bool {
        let before = self.writer.len();
        let open = self.sections.iter().position(|section| section.tag == tag);
        if open.is_none() && self.sections.is_full() {
            debug_assert!(false, "there are more tags than sections");
            return false;
        }
        let fits = self.writer.whole(|writer| {
            if open.is_none() {
                writer.u8(tag);
                writer.u16(0);
            }
            encode(writer);
        });
        if !fits {
            return false;
        }
        match open {
            Some(at) => self.move_into(at, before),
            None => _ = self.sections.push(Section { tag, start: before + SECTION }),
        }
        self.note_length(open.unwrap_or(self.sections.len() - 1));
        true
    }

    /// Moves what was written from `from` on to the end of a section, in front of the sections behind it. Seldom:
    /// mostly the section is the last, and all is in place.
    fn move_into(&mut self, at: usize, from: usize) {
        let more = self.writer.len() - from;
        let mut behind = self.sections.iter_mut().skip(at + 1);
        let Some(next) = behind.next() else { return };
        self.writer.move_back(from, next.start - SECTION);
        next.start += more;
        behind.for_each(|section| section.start += more);
    }

    /// Writes how long a section is.
    fn note_length(&mut self, at: usize) {
        let next = self.sections.get(at + 1).map(|next| next.start - SECTION);
        let end = next.unwrap_or(self.writer.len());
        if let Some(section) = self.sections.get(at) {
            self.writer.patch(section.start - 2, (end - section.start) as u16);
        }
    }

    /// Bytes that are free.
    pub(crate) fn room(&self) -> usize {
        self.writer.room()
    }

    /// The length so far.
    pub(crate) fn len(&self) -> usize {
        self.writer.len()
    }

    /// The length of the finished datagram.
    pub(crate) fn finish(self) -> usize {
        self.writer.len()
    }
}
