//! Typed keys of kept state, and how their values become bytes.
//!
//! ```text
//! value   schema 1 · postcard        of a typed key
//! value   bytes                      of a raw key
//! ```

use bytes::Bytes;
use gossip_core::StateKey;
use serde::{Serialize, de::DeserializeOwned};
use std::{any::type_name, borrow::Cow, error::Error, fmt};

/// Room in which a value is encoded, in bytes. Every entry that a node accepts is shorter, whatever its configuration.
pub(crate) const VALUE_ROOM: usize = 1_400;

/// A key of kept state, and the type of its values: [`Handle::publish`](crate::Handle::publish) sets it,
/// [`Handle::get`](crate::Handle::get) reads that of any member.
///
/// ```
/// use gossip_host::{Bytes, Key};
/// use std::borrow::Cow;
///
/// const PORT: Key<u16> = Key::new("port");
/// const SHARDS: Key<Vec<u32>> = Key::with_schema("shards", 2);
/// const BLOB: Key<Bytes> = Key::raw("blob");
/// assert_eq!(PORT.named(format!("{}/admin", PORT.name())).name(), "port/admin");
/// ```
///
/// A key is 1 to 31 visible ASCII characters. Members that use the same key for different types get errors when they read it,
/// so make the key and its type a constant that all of them share. The key `name` is the node's own.
pub struct Key<T> {
    name: Cow<'static, str>,
    schema: u8,
    encode: Encode<T>,
    decode: Decode<T>,
}

type Encode<T> = for<'a> fn(&'a T, u8, &'a mut [u8]) -> Result<&'a [u8], String>;
type Decode<T> = fn(&[u8], u8) -> Result<T, Fault>;

impl<T: Serialize + DeserializeOwned> Key<T> {
    /// A key whose values are encoded with [postcard](https://docs.rs/postcard) behind a byte that names their schema, 0.
    pub const fn new(name: &'static str) -> Self {
        Self::with_schema(name, 0)
    }

    /// The same with another schema. Choose a new number whenever the encoding of the type changes: members that use the other
    /// schema then get an error that says so, instead of nonsense.
    pub const fn with_schema(name: &'static str, schema: u8) -> Self {
        Self { name: Cow::Borrowed(name), schema, encode: encode_typed::<T>, decode: decode_typed::<T> }
    }
}

impl Key<Bytes> {
    /// A key whose values are bytes as they are, without a schema.
    pub const fn raw(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), schema: 0, encode: encode_raw, decode: decode_raw }
    }
}

impl<T> Key<T> {
    /// The key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key for the same values under another name, such as one that is only known at run time.
    #[must_use]
    pub fn named(&self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..*self }
    }

    /// A value as bytes, in `room` unless the key is raw. A value that does not fit fills `room`, and is too long for any node.
    pub(crate) fn encode<'a>(&self, value: &'a T, room: &'a mut [u8]) -> Result<&'a [u8], String> {
        (self.encode)(value, self.schema, room)
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        (self.decode)(bytes, self.schema).map_err(|fault| DecodeError { key: self.name().to_owned(), fault })
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), ..*self }
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key<{}>({:?}, schema {})", type_name::<T>(), self.name, self.schema)
    }
}

/// Whether this can be the name of a key, by the rule of the core.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=StateKey::MAX_LEN).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn encode_typed<'a, T: Serialize>(value: &'a T, schema: u8, room: &'a mut [u8]) -> Result<&'a [u8], String> {
    let (first, rest) = room.split_first_mut().ok_or("no room")?;
    *first = schema;
    let length = match postcard::to_slice(value, rest) {
        Ok(encoded) => 1 + encoded.len(),
        Err(postcard::Error::SerializeBufferFull) => room.len(),
        Err(error) => return Err(error.to_string()),
    };
    Ok(room.get(..length).unwrap_or_default())
}

fn decode_typed<T: DeserializeOwned>(bytes: &[u8], expected: u8) -> Result<T, Fault> {
    let value = match bytes.split_first() {
        Some((&schema, value)) if schema == expected => value,
        other => return Err(Fault::Schema { expected, found: other.map(|(&schema, _)| schema) }),
    };
    let fault = |reason| Fault::Value { expected: type_name::<T>(), reason };
    match postcard::take_from_bytes(value) {
        Ok((value, [])) => Ok(value),
        Ok((_, left)) => Err(fault(format!("{} bytes are left over", left.len()))),
        Err(error) => Err(fault(error.to_string())),
    }
}

fn encode_raw<'a>(value: &'a Bytes, _: u8, _: &'a mut [u8]) -> Result<&'a [u8], String> {
    Ok(value)
}

fn decode_raw(bytes: &[u8], _: u8) -> Result<Bytes, Fault> {
    Ok(Bytes::copy_from_slice(bytes))
}

/// A member has published a value under a key that is not what the reader expects. Counted in
/// [`HostMetrics::values_undecoded`](crate::HostMetrics::values_undecoded).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError {
    key: String,
    fault: Fault,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Fault {
    Schema { expected: u8, found: Option<u8> },
    Value { expected: &'static str, reason: String },
}

impl DecodeError {
    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.fault {
            Fault::Schema { expected, found: Some(found) } => write!(
                f,
                "the value of `{key}` has schema {found}, not {expected}: its member uses another version of the type, or published \
                 bytes as they are, which `Key::raw` reads"
            ),
            Fault::Schema { expected, found: None } => {
                write!(f, "the value of `{key}` is empty, and should begin with schema {expected}")
            }
            Fault::Value { expected, reason } => {
                write!(f, "the value of `{key}` is not of the type {expected}: {reason}")
            }
        }
    }
}

impl Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Service {
        port: u16,
        tags: Vec<String>,
    }

    const SERVICE: Key<Service> = Key::with_schema("service", 3);
    const PORT: Key<u16> = Key::new("port");

    fn bytes<T>(key: &Key<T>, value: &T) -> Vec<u8> {
        key.encode(value, &mut [0; VALUE_ROOM]).unwrap().to_vec()
    }

    #[test]
    fn a_value_is_read_as_it_was_written() {
        let service = Service { port: 8_080, tags: vec!["db".into(), "eu".into()] };
        let written = bytes(&SERVICE, &service);
        assert_eq!(written.first(), Some(&3));
        assert_eq!(SERVICE.decode(&written), Ok(service));
        assert_eq!(bytes(&PORT, &8_080), [0, 0x90, 0x3F]);
        let blob = Bytes::from_static(&[7, 0, 255]);
        let raw = Key::raw("blob");
        assert_eq!((&bytes(&raw, &blob)[..], raw.decode(&blob)), (&blob[..], Ok(blob.clone())));
    }

    #[test]
    fn what_is_not_of_the_type_is_an_error_that_says_so() {
        let text = |bytes: &[u8]| PORT.decode(bytes).unwrap_err().to_string();
        assert!(text(&[]).contains("`port` is empty"), "{}", text(&[]));
        assert!(text(&[1, 5]).contains("schema 1, not 0"), "{}", text(&[1, 5]));
        assert!(text(&[0, 5, 6]).contains("u16: 1 bytes are left over"), "{}", text(&[0, 5, 6]));
        assert!(text(&[0, 0xFF]).contains("u16: "), "{}", text(&[0, 0xFF]));
        assert_eq!(SERVICE.decode(&[]).unwrap_err().key(), "service");
    }

    #[test]
    fn no_bytes_make_a_reader_panic_or_reserve_much() {
        let long = Key::<Vec<String>>::new("long");
        for len in 0..40 {
            for fill in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut bytes = vec![fill; len];
                bytes.iter_mut().take(1).for_each(|schema| *schema = 0);
                let _ = (long.decode(&bytes), PORT.decode(&bytes), SERVICE.decode(&bytes));
            }
        }
    }

    #[test]
    fn what_is_too_long_for_any_node_fills_the_room() {
        let text = Key::<String>::new("text");
        assert_eq!(bytes(&text, &"x".repeat(VALUE_ROOM)).len(), VALUE_ROOM);
    }
}
