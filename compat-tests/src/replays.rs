//! Recordings of our own server (`-tf`), taken apart and put together again. Those of sites and of live tests stand in
//! `replays/`; see the README there.

use dhcpd::octets::checksum;
use dhcpd::server::recording::{FRAME_AROUND, HEAD};
use std::path::PathBuf;

/// Where the recordings stand.
pub fn all() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(crate::here().join("replays")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rec"));
    paths.sort();
    paths
}

/// Kind, and where the body lies, of every whole frame.
pub fn frames(recording: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let mut frames = Vec::new();
    let mut at = HEAD;
    while let Some(head) = recording.get(at..).and_then(|rest| rest.first_chunk::<5>()) {
        let [a, b, c, d, kind] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let body = at + 5..(at + 5).saturating_add(length);
        at = body.end.saturating_add(FRAME_AROUND - 5);
        if at > recording.len() {
            break;
        }
        frames.push((kind, body));
    }
    frames
}

/// Gives every frame the checksum it should have: damage then reaches what is behind it.
pub fn repair(recording: &mut [u8]) {
    for (_, body) in frames(recording) {
        let sum = checksum(&[&recording[body.start - 5..body.end]]);
        recording[body.end..body.end + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Fuzz target: whatever a recording holds, its replay comes to an end.
pub fn replay_damaged(octets: &[u8]) {
    let mut octets = octets.to_vec();
    repair(&mut octets);
    // Refusals and differences are both fine.
    let _ = dhcpd::daemon::play::replay_octets(&octets, &mut |_| {});
}
