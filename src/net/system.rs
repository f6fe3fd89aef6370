//! System calls that no crate of ours wraps: batches of messages in and out, hardware addresses.
#![allow(unsafe_code)]

use nix::libc;
use std::io;
use std::mem;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Messages of one system call.
pub(super) const BATCH: usize = 64;

/// ISC's receive buffer; a longer frame is cut, and then dropped for its length, as there.
pub(super) const FRAME_MAX: usize = 1536;

/// Room for one PACKET_AUXDATA message (16 octets of header, 20 of content) and one time stamp (16 and 16), aligned.
const CONTROL_WORDS: usize = 10;

/// What came with one frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrival {
    pub(super) length: usize,
    /// VLAN tag that the hardware has stripped; its low 12 bits are the network's number.
    pub(super) vlan: u16,
    /// The UDP checksum is not filled in yet: the sender is this machine and leaves it to the hardware.
    pub(super) checksum_missing: bool,
    /// Time since 1970 at which the kernel took the frame, where it was asked to say ([`want_arrival_times`]).
    pub(super) at: Option<Duration>,
}

/// Memory for frames: what several calls may bring together.
pub(super) struct Frames {
    octets: Vec<[u8; FRAME_MAX]>,
    pub(super) arrivals: Vec<Arrival>,
}

impl Frames {
    pub(super) fn new(count: usize) -> Frames {
        Frames { octets: vec![[0; FRAME_MAX]; count], arrivals: vec![Arrival::default(); count] }
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let length = self.arrivals.get(at).map_or(0, |arrival| arrival.length);
        self.octets.get(at).and_then(|octets| octets.get(..length)).unwrap_or_default()
    }
}

/// recvmmsg(2) without waiting, into the places from `from` on. Gives the number of frames.
pub(super) fn receive(
    socket: BorrowedFd<'_>,
    frames: &mut Frames,
    from: usize,
    at_most: usize,
) -> io::Result<usize> {
    let mut control = [[0u64; CONTROL_WORDS]; BATCH];
    // SAFETY: iovec and mmsghdr are plain C structures for which all zeros is a valid value.
    let (mut pieces, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { mem::zeroed() };
    let wanted = at_most.min(BATCH).min(frames.octets.len().saturating_sub(from));
    for (((octets, control), piece), header) in
        frames.octets.iter_mut().skip(from).zip(&mut control).zip(&mut pieces).zip(&mut headers).take(wanted)
    {
        piece.iov_base = octets.as_mut_ptr().cast();
        piece.iov_len = FRAME_MAX;
        header.msg_hdr.msg_iov = piece;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_control = control.as_mut_ptr().cast();
        header.msg_hdr.msg_controllen = mem::size_of_val(control) as _;
    }
    // SAFETY: each of the first `wanted` headers points to an iovec, a buffer and a control buffer of the stated lengths,
    // which outlive the call and are not touched otherwise during it.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            wanted as libc::c_uint,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    for ((header, arrival), octets) in headers
        .iter()
        .zip(frames.arrivals.iter_mut().skip(from))
        .zip(frames.octets.iter().skip(from))
        .take(count)
    {
        *arrival = auxiliary(&header.msg_hdr);
        arrival.length = (header.msg_len as usize).min(octets.len());
    }
    Ok(count)
}

/// Reads PACKET_AUXDATA and the time stamp out of the control buffer.
fn auxiliary(header: &libc::msghdr) -> Arrival {
    let mut arrival = Arrival::default();
    // SAFETY: the kernel has filled the control buffer that `header` points to and set its length.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give only headers that lie within the buffer.
        let (level, kind, length) =
            unsafe { ((*message).cmsg_level, (*message).cmsg_type, (*message).cmsg_len) };
        let whole = mem::size_of::<libc::cmsghdr>() + mem::size_of::<libc::tpacket_auxdata>();
        if level == libc::SOL_PACKET && kind == libc::PACKET_AUXDATA && length >= whole {
            // SAFETY: the length was checked; the content may be unaligned, hence the copying read.
            let data: libc::tpacket_auxdata =
                unsafe { std::ptr::read_unaligned(libc::CMSG_DATA(message).cast()) };
            arrival.vlan = data.tp_vlan_tci;
            arrival.checksum_missing = data.tp_status & libc::TP_STATUS_CSUMNOTREADY != 0;
        }
        let whole = mem::size_of::<libc::cmsghdr>() + mem::size_of::<libc::timespec>();
        if level == libc::SOL_SOCKET && kind == libc::SCM_TIMESTAMPNS && length >= whole {
            // SAFETY: as above.
            let time: libc::timespec = unsafe { std::ptr::read_unaligned(libc::CMSG_DATA(message).cast()) };
            let (seconds, nanos) = (time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32);
            arrival.at = Some(Duration::new(seconds, nanos));
        }
        // SAFETY: `message` is a header of this buffer.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    arrival
}

/// One message to send: its octets, and where to on a socket that is not bound to a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) octets: &'a [u8],
    pub(super) to: Option<SocketAddrV4>,
}

/// sendmmsg(2) without waiting, of at most [`BATCH`] messages. Gives how many left; an error is about the first.
pub(super) fn send(socket: BorrowedFd<'_>, messages: &[Message<'_>]) -> io::Result<usize> {
    // SAFETY: plain C structures for which all zeros is a valid value.
    let (mut pieces, mut headers, mut names): (
        [libc::iovec; BATCH],
        [libc::mmsghdr; BATCH],
        [libc::sockaddr_in; BATCH],
    ) = unsafe { mem::zeroed() };
    let wanted = messages.len().min(BATCH);
    for (((message, piece), header), name) in
        messages.iter().zip(&mut pieces).zip(&mut headers).zip(&mut names).take(wanted)
    {
        // The kernel only reads from it.
        piece.iov_base = message.octets.as_ptr().cast_mut().cast();
        piece.iov_len = message.octets.len();
        header.msg_hdr.msg_iov = piece;
        header.msg_hdr.msg_iovlen = 1;
        if let Some(to) = message.to {
            name.sin_family = libc::AF_INET as libc::sa_family_t;
            name.sin_port = to.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
            header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = mem::size_of_val(name) as libc::socklen_t;
        }
    }
    loop {
        // SAFETY: each of the first `wanted` headers points to an iovec, octets and a name of the stated lengths, which
        // outlive the call; the kernel writes only the headers' own length fields.
        let count = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                wanted as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        };
        match usize::try_from(count) {
            Ok(count) => return Ok(count),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}

/// Binds a packet socket to all protocols of one interface. Not to IPv4 alone: taps for all protocols see a frame before a
/// bridge or a VLAN takes it away.
pub(super) fn bind_link(socket: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    // SAFETY: a plain C structure for which all zeros is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index as i32;
    // SAFETY: the address is a whole `sockaddr_ll`, its length is stated, and it outlives the call.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            mem::size_of_val(&address) as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks for tags and checksum state with each frame; a kernel without it gives none.
pub(super) fn want_auxiliary(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::SOL_PACKET, libc::PACKET_AUXDATA)
}

/// Asks for the time of arrival with each frame; a kernel without it gives none.
pub(super) fn want_arrival_times(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)
}

fn switch_on(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is one int that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(&on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    match io::Error::last_os_error() {
        error if result < 0 && error.raw_os_error() != Some(libc::ENOPROTOOPT) => Err(error),
        _ => Ok(()),
    }
}

/// SIOCGIFHWADDR: the kernel's hardware type and the first six octets of the address.
pub(super) fn hardware_address(name: &str) -> io::Result<(u16, [u8; 6])> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    // SAFETY: a plain C structure for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (place, octet) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = octet as libc::c_char;
    }
    // SAFETY: the request is one `ifreq` that outlives the call, with a name that ends in NUL.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR as _, &mut request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this request fills the `ifru_hwaddr` member.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut octets = [0; 6];
    for (octet, value) in octets.iter_mut().zip(address.sa_data) {
        *octet = value as u8;
    }
    Ok((address.sa_family, octets))
}
