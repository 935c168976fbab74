//! Packets under way.

use std::net::SocketAddr;

/// A packet under way; its place is given to another one once it has arrived or was lost.
pub(super) type PacketId = u32;

/// A datagram between two addresses.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// All packets under way. Places and their memory are used again, the last freed first, so that sending
/// allocates nothing once as many packets were under way as ever are.
#[derive(Default)]
pub(super) struct Packets {
    places: Vec<Packet>,
    free: Vec<PacketId>,
}

impl Packets {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn put(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> PacketId {
        let Some(id) = self.free.pop() else {
            self.places.push(Packet { from, to, bytes: bytes.to_vec() });
            return (self.places.len() - 1) as PacketId;
        };
        let place = &mut self.places[id as usize];
        (place.from, place.to) = (from, to);
        place.bytes.clear();
        place.bytes.extend_from_slice(bytes);
        id
    }

    pub(super) fn get(&self, id: PacketId) -> &Packet {
        &self.places[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: PacketId) -> &mut Packet {
        &mut self.places[id as usize]
    }

    pub(super) fn free(&mut self, id: PacketId) {
        self.free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_place_is_used_again_for_another_packet() {
        let address = |n| SocketAddr::from(([10, 0, 0, n], 1));
        let mut packets = Packets::default();
        let (first, second) =
            (packets.put(address(1), address(2), b"one"), packets.put(address(2), address(1), b"two"));
        assert_eq!(packets.len(), 2);
        packets.free(first);
        assert_eq!(packets.len(), 1);
        let third = packets.put(address(3), address(4), b"three");
        assert_eq!((third, packets.get(third).bytes.as_slice()), (first, b"three".as_slice()));
        assert_eq!(
            (packets.get(second).bytes.as_slice(), packets.get(third).from),
            (b"two".as_slice(), address(3))
        );
    }
}
