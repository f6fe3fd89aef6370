//! Host names of leased addresses (`get-lease-hostnames`): asked for beside service, each on a thread of its own.
#![allow(unsafe_code)]

use nix::libc;
use std::ffi::CStr;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Look-ups under way at a time; for more there is no name.
const AT_ONCE: usize = 64;
/// Longest name, NUL included: NI_MAXHOST.
const LONGEST: usize = 1025;

type Found = (Ipv4Addr, Option<Box<[u8]>>);

#[derive(Default)]
struct Shared {
    /// How many are under way, and what has been found.
    state: Mutex<(usize, Vec<Found>)>,
    ready: Notify,
}

/// Look-ups and their results.
#[derive(Default)]
pub struct HostNames {
    shared: Arc<Shared>,
}

impl HostNames {
    pub fn find(&self, address: Ipv4Addr) {
        let shared = self.shared.clone();
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let asks = state.0 < AT_ONCE && self.start(address);
        if asks {
            state.0 += 1;
        } else {
            state.1.push((address, None));
            self.shared.ready.notify_one();
        }
    }

    fn start(&self, address: Ipv4Addr) -> bool {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("host-name".to_owned()).spawn(move || {
            let name = name_of(address);
            {
                let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.0 -= 1;
                state.1.push((address, name));
            }
            shared.ready.notify_one();
        });
        thread.is_ok()
    }

    /// Resolves when there are results.
    pub async fn ready(&self) {
        self.shared.ready.notified().await;
    }

    /// The results, once.
    pub fn take(&self) -> Vec<Found> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.1)
    }
}

/// getnameinfo(3)
fn name_of(address: Ipv4Addr) -> Option<Box<[u8]>> {
    let socket_address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
        sin_zero: [0; 8],
    };
    let mut name = [0 as libc::c_char; LONGEST];
    // SAFETY: the address is one of IPv4 and its length is given; the function writes at most LONGEST octets, with a NUL
    // at their end, to `name`, and nothing to the null pointer of the service.
    let status = unsafe {
        libc::getnameinfo(
            (&raw const socket_address).cast(),
            size_of::<libc::sockaddr_in>() as libc::socklen_t,
            name.as_mut_ptr(),
            LONGEST as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if status != 0 {
        return None;
    }
    // SAFETY: the array is at least as long as the string with its NUL, and lives on.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_itself_and_no_documentation_address() {
        assert_eq!(name_of(Ipv4Addr::LOCALHOST).as_deref(), Some(&b"localhost"[..]));
    }
}
