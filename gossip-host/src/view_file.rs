//! The view, kept in a file across restarts.
//!
//! ```text
//! file      "gossipvw" 8 · version 2 · cluster key 8 · written 8 · count 4 · members · checksum 8
//! member    id 8 · epoch 4 · refutation 4 · state version 4 · ip 16 · port 2 · region 1 · zone 1 · rack 1
//!           · versions 1 · health 1
//! ```
//!
//! Numbers are big-endian, `written` is in Unix seconds, the checksum is a SipHash of all before it.

use crate::file;
use gossip_core::{ClusterName, Health, Identity, Incarnation, Locality, NodeId, Record, Versions};
use siphasher::sip::SipHasher13;
use std::{
    error::Error,
    fmt,
    fs::File,
    io::{self, Read, Write},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const MAGIC: &[u8; 8] = b"gossipvw";
const VERSION: u16 = 1;
/// Bytes before the members, of one of them, and behind them.
const HEADER: usize = 8 + 2 + 8 + 8 + 4;
const MEMBER: usize = 8 + 4 + 4 + 4 + 16 + 2 + 3 + 1 + 1;
const CHECKSUM: usize = 8;
/// Members kept, 180 kB: a node that comes back needs a few that are still there, and fetches the rest.
pub(crate) const MAX_MEMBERS: usize = 4_096;
const MAX_BYTES: usize = HEADER + MAX_MEMBERS * MEMBER + CHECKSUM;

/// Where a view is kept. Each node needs its own file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ViewFile {
    path: PathBuf,
    cluster: ClusterName,
}

impl ViewFile {
    pub(crate) fn new(path: &Path, cluster: ClusterName) -> Self {
        Self { path: path.to_owned(), cluster }
    }

    /// The members kept, if there is a file.
    ///
    /// # Errors
    /// It is of no use; that harms only a node that needs it.
    pub(crate) fn read(&self, now: SystemTime, max_age: Duration) -> Result<Option<Vec<Record>>, ViewError> {
        let mut bytes = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.error(ViewFault::Unreadable(source))),
        }
        self.decode(&bytes, now, max_age).map(Some).map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: ViewFault) -> ViewError {
        ViewError { path: self.path.clone(), fault }
    }

    fn decode(&self, bytes: &[u8], now: SystemTime, max_age: Duration) -> Result<Vec<Record>, ViewFault> {
        let mut rest = bytes;
        if take(&mut rest)? != *MAGIC {
            return Err(ViewFault::Damaged);
        }
        let version = u16::from_be_bytes(take(&mut rest)?);
        if version != VERSION {
            return Err(ViewFault::Version(version));
        }
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(ViewFault::Damaged)?;
        if bytes.len() > MAX_BYTES || u64::from_be_bytes(*sum) != checksum(body) {
            return Err(ViewFault::Damaged);
        }
        if u64::from_be_bytes(take(&mut rest)?) != self.cluster.key() {
            return Err(ViewFault::Foreign);
        }
        let written = UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX)).min(seconds(take(&mut rest)?));
        // Written in the future: the clock went back, and the age is unknown. So is that of what may be new.
        let age = now.duration_since(written).unwrap_or_default();
        if age > max_age {
            return Err(ViewFault::Old { age, max_age });
        }
        let count = u32::from_be_bytes(take(&mut rest)?) as usize;
        let members = rest.split_last_chunk::<CHECKSUM>().map_or(&[][..], |(members, _)| members);
        let (members, left) = members.as_chunks::<MEMBER>();
        if !left.is_empty() || members.len() != count {
            return Err(ViewFault::Damaged);
        }
        members.iter().map(|member| decode_member(member).ok_or(ViewFault::Damaged)).collect()
    }

    /// Replaces the members kept. Blocks until they are on the disk.
    ///
    /// # Errors
    /// The file cannot be written; the old one is as it was.
    pub(crate) fn write(&self, now: SystemTime, members: &[Record]) -> io::Result<()> {
        let bytes = self.encode(now, members);
        file::replace(&self.path, |file| file.write_all(&bytes))
    }

    fn encode(&self, now: SystemTime, members: &[Record]) -> Vec<u8> {
        let members = &members[..members.len().min(MAX_MEMBERS)];
        let written = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut bytes = Vec::with_capacity(HEADER + members.len() * MEMBER + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.cluster.key().to_be_bytes());
        bytes.extend(written.to_be_bytes());
        bytes.extend((members.len() as u32).to_be_bytes());
        members.iter().for_each(|member| encode_member(&mut bytes, member));
        bytes.extend(checksum(&bytes).to_be_bytes());
        bytes
    }
}

fn seconds(bytes: [u8; 8]) -> Duration {
    Duration::from_secs(u64::from_be_bytes(bytes))
}

fn checksum(bytes: &[u8]) -> u64 {
    SipHasher13::new().hash(bytes)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ViewFault> {
    let (taken, behind) = rest.split_first_chunk().ok_or(ViewFault::Damaged)?;
    *rest = behind;
    Ok(*taken)
}

fn encode_member(bytes: &mut Vec<u8>, record: &Record) {
    let (incarnation, locality) = (record.incarnation(), record.locality());
    bytes.extend(record.id().as_u64().to_be_bytes());
    bytes.extend(incarnation.epoch.to_be_bytes());
    bytes.extend(incarnation.refutation.to_be_bytes());
    bytes.extend(record.state_version().to_be_bytes());
    let address = record.address();
    bytes.extend(mapped(address.ip()).octets());
    bytes.extend(address.port().to_be_bytes());
    bytes.extend([locality.region, locality.zone, locality.rack]);
    let Versions { min, max } = record.versions();
    bytes.extend([min << 4 | max, record.health() as u8]);
}

/// An address in 16 bytes, whatever its family.
fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// A member, alive for all we know; `None` if no correct node could have been it.
fn decode_member(mut bytes: &[u8]) -> Option<Record> {
    fn next<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        take(rest).ok()
    }
    let bytes = &mut bytes;
    let id = NodeId::from_u64(u64::from_be_bytes(next(bytes)?))?;
    let (epoch, refutation) = (u32::from_be_bytes(next(bytes)?), u32::from_be_bytes(next(bytes)?));
    let state_version = u32::from_be_bytes(next(bytes)?);
    let ip = Ipv6Addr::from(next::<16>(bytes)?).to_canonical();
    let address = SocketAddr::new(ip, u16::from_be_bytes(next(bytes)?));
    let [region, zone, rack, versions, health] = next(bytes)?;
    let identity = Identity { id, epoch, address, locality: Locality { region, zone, rack } };
    let health = *[Health::Healthy, Health::Degraded, Health::Unhealthy].get(usize::from(health))?;
    let record = Record::new(identity, Versions { min: versions >> 4, max: versions & 15 })
        .with_incarnation(Incarnation { epoch, refutation })
        .with_state(state_version, health, 0);
    record.is_credible().then_some(record)
}

/// What a file of a view was good for when the node started.
#[derive(Debug)]
#[non_exhaustive]
pub enum Restored {
    /// None was named, or there was none yet.
    Nothing,
    /// The node started with this many members of an earlier epoch.
    Members(usize),
    /// It was of no use, and ignored.
    Ignored(ViewError),
}

/// Why the file of a view was ignored.
#[derive(Debug)]
pub struct ViewError {
    path: PathBuf,
    fault: ViewFault,
}

/// What is wrong with the file of a view.
#[derive(Debug)]
enum ViewFault {
    Unreadable(io::Error),
    /// Cut short, changed, or no such file at all.
    Damaged,
    /// Of a version that this release does not read.
    Version(u16),
    /// Of another cluster.
    Foreign,
    /// The others may have forgotten by now which members have died since.
    Old {
        age: Duration,
        max_age: Duration,
    },
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the view file {} is ignored: ", self.path.display())?;
        match &self.fault {
            ViewFault::Unreadable(_) => f.write_str("it cannot be read"),
            ViewFault::Damaged => f.write_str("it is damaged, or no view file"),
            ViewFault::Version(version) => write!(f, "it has the format {version}, of another release"),
            ViewFault::Foreign => f.write_str("it is of another cluster"),
            ViewFault::Old { age, max_age } => {
                write!(f, "it is {} s old, and after {} s it is of no use", age.as_secs(), max_age.as_secs())
            }
        }
    }
}

impl Error for ViewError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            ViewFault::Unreadable(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip_core::Status;
    use std::{env, fs, process};

    const AGE: Duration = Duration::from_secs(3_600);

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    /// A file of the test's own, gone after it.
    struct Own(ViewFile);

    impl Own {
        fn new(test: &str) -> Self {
            let path = env::temp_dir().join(format!("gossip-view-{}-{test}", process::id()));
            Self(ViewFile::new(&path, ClusterName::named("views").unwrap()))
        }
    }

    impl Drop for Own {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0.path);
        }
    }

    fn member(n: u32) -> Record {
        let ip: [u8; 4] = (0x0A00_0001 + n).to_be_bytes();
        let address = if n % 3 == 2 { "[2001:db8::7]:7".parse().unwrap() } else { (ip, 7_946).into() };
        let locality = Locality { region: 1, zone: n as u8, rack: 3 };
        let id = NodeId::from_name(&n.to_string()).unwrap();
        Record::new(Identity { id, epoch: 9 + n, address, locality }, Versions::OURS)
            .with_incarnation(Incarnation { epoch: 9 + n, refutation: n })
            .with_state(n, Health::Degraded, 0)
    }

    fn fault(own: &Own, bytes: &[u8]) -> ViewFault {
        fs::write(&own.0.path, bytes).unwrap();
        own.0.read(now(), AGE).unwrap_err().fault
    }

    #[test]
    fn the_members_that_are_written_are_read_as_alive() {
        let own = Own::new("roundtrip");
        assert!(own.0.read(now(), AGE).unwrap().is_none());
        for count in [0, 1, 5, 300] {
            let members: Vec<_> = (0..count).map(member).collect();
            let said: Vec<_> = members.iter().map(|member| member.with_status(Status::Suspect)).collect();
            own.0.write(now(), &said).unwrap();
            assert_eq!(own.0.read(now() + AGE, AGE).unwrap(), Some(members));
        }
    }

    #[test]
    fn a_file_is_of_no_use_if_any_byte_of_it_changed_or_is_missing() {
        let own = Own::new("damaged");
        let whole = own.0.encode(now(), &[member(1), member(2)]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let is_version = (8..10).contains(&at);
            let fault = fault(&own, &bytes);
            assert!(matches!(fault, ViewFault::Damaged) || is_version, "byte {at}: {fault:?}");
            assert!(matches!(self::fault(&own, &whole[..at]), ViewFault::Damaged), "cut at {at}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(matches!(fault(&own, &longer), ViewFault::Damaged));
        assert!(matches!(fault(&own, &vec![7; 3 * MAX_BYTES]), ViewFault::Damaged));
    }

    #[test]
    fn what_no_node_could_be_is_damage_even_where_the_sum_is_right() {
        let own = Own::new("values");
        let whole = own.0.encode(now(), &[member(1)]);
        let body = &whole[..whole.len() - CHECKSUM];
        // The id, the epoch, the port, the versions, the health.
        for (from, to, value) in [(0, 8, 0), (8, 12, 0xFF), (36, 38, 0), (41, 42, 0), (42, 43, 9)] {
            let mut bytes = body.to_vec();
            bytes[HEADER + from..HEADER + to].fill(value);
            bytes.extend(checksum(&bytes).to_be_bytes());
            assert!(matches!(fault(&own, &bytes), ViewFault::Damaged), "{from}");
        }
    }

    #[test]
    fn a_file_of_another_cluster_or_release_or_an_old_one_is_refused_aloud() {
        let own = Own::new("foreign");
        let other = ViewFile::new(&own.0.path, ClusterName::named("others").unwrap());
        assert!(matches!(fault(&own, &other.encode(now(), &[member(1)])), ViewFault::Foreign));
        let mut later = own.0.encode(now(), &[]);
        later[9] = 2;
        assert!(matches!(fault(&own, &later), ViewFault::Version(2)));
        own.0.write(now() - AGE - Duration::from_secs(1), &[member(1)]).unwrap();
        let error = own.0.read(now(), AGE).unwrap_err();
        assert!(error.to_string().contains("3601 s old"), "{error}");
        own.0.write(now() + AGE, &[member(1)]).unwrap();
        assert_eq!(own.0.read(now(), AGE).unwrap(), Some(vec![member(1)]), "the clock went back");
        let nowhere = ViewFile::new(Path::new("/dev/null/view"), own.0.cluster);
        assert!(matches!(nowhere.read(now(), AGE).unwrap_err().fault, ViewFault::Unreadable(_)));
    }

    #[test]
    fn a_file_holds_no_more_members_than_it_may() {
        let own = Own::new("bounded");
        let members: Vec<_> = (0..MAX_MEMBERS as u32 + 100).map(member).collect();
        own.0.write(now(), &members).unwrap();
        assert_eq!(fs::metadata(&own.0.path).unwrap().len(), MAX_BYTES as u64);
        assert_eq!(own.0.read(now(), AGE).unwrap().unwrap().len(), MAX_MEMBERS);
    }
}
