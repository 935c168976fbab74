//! A TUN device: what the kernel routes there is read as packets, and what is written comes in there.

use rustix::ioctl::{self, Opcode, Setter, opcode};
use std::{
    fs::{File, OpenOptions},
    io,
};

/// What TUN devices are made by.
pub(crate) const CLONE_DEVICE: &str = "/dev/net/tun";

/// `TUNSETIFF` of linux/if_tun.h. Its size is that of an `int`, though it takes a whole `ifreq`.
const TUNSETIFF: Opcode = opcode::write::<i32>(b'T', 202);
/// Packets of IP, without a frame of Ethernet around them: linux/if_tun.h.
const IFF_TUN: u16 = 0x0001;
/// And without a header of the device's own: linux/if_tun.h.
const IFF_NO_PI: u16 = 0x1000;
/// The longest name of an interface, with its closing zero: linux/if.h.
const IFNAMSIZ: usize = 16;

/// `struct ifreq` of linux/if.h as `TUNSETIFF` uses it: a name, flags, and the rest of a union of 24 bytes.
#[repr(C, align(8))]
struct Request {
    name: [u8; IFNAMSIZ],
    flags: u16,
    rest: [u8; 22],
}

/// Makes a device of this name, that never blocks and is gone when the file is closed.
///
/// # Errors
/// The name is too long or taken, or this process may not.
pub(crate) fn create(name: &str) -> io::Result<File> {
    let mut request = Request { name: [0; IFNAMSIZ], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
    match request.name.get_mut(..name.len()) {
        Some(field) if name.len() < IFNAMSIZ => field.copy_from_slice(name.as_bytes()),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    }
    let file = OpenOptions::new().read(true).write(true).open(CLONE_DEVICE)?;
    attach(&file, request)?;
    rustix::io::ioctl_fionbio(&file, true)?;
    Ok(file)
}

#[allow(unsafe_code, reason = "there is no safe call that makes a TUN device")]
fn attach(file: &File, request: Request) -> io::Result<()> {
    // SAFETY: TUNSETIFF reads a `struct ifreq`, 40 bytes, from the pointer it gets and writes back no more than that.
    // `Request` is laid out as one, all of it is initialised, and the setter owns it until the call is over. The name
    // ends with a zero, as `create` sees to.
    unsafe { Ok(ioctl::ioctl(file, Setter::<TUNSETIFF, Request>::new(request))?) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_request_is_laid_out_as_an_ifreq() {
        assert_eq!((size_of::<Request>(), std::mem::offset_of!(Request, flags)), (40, 16));
        assert_eq!(TUNSETIFF, 0x4004_54ca);
    }

    #[test]
    fn a_device_lives_as_long_as_its_file() {
        if !rustix::process::geteuid().is_root() || !Path::new(CLONE_DEVICE).exists() {
            eprintln!("SKIPPED: this test needs root and {CLONE_DEVICE}");
            return;
        }
        let name = format!("gsp{}", std::process::id());
        let there = || Path::new("/sys/class/net").join(&name).exists();
        let file = create(&name).unwrap();
        assert!(there());
        assert!(create(&name).is_err(), "a taken name");
        drop(file);
        assert!(!there());
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        assert_eq!(create("sixteen-letters.").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
