//! One scenario, two programs. A scenario (`scenarios/*.scn`) is a configuration, a lease file and a packet sequence as data;
//! it is run against the real ISC dhcpd and against ours, and what each of them did is written down in the same
//! form, a [`transcript`]. Recordings of the real program live in `recordings/`.
//!
//! * [`scenario`]: the file format.
//! * [`world`]: network and mount namespaces in which a program sees its default paths, its interfaces and `/dev/log`.
//! * [`wire`]: a packet builder and decoder of its own: the judge does not share code with the judged.
//! * [`script`]: turns a step into a packet, and what came back into transcript lines; both tiers share it.
//! * [`shell`]: pipes a session into omshell and writes down what it prints.
//! * [`live`]: runs a scenario against a program in namespaces.
//! * [`replay`]: runs it against `dhcpd::server::Server` in virtual time.
//! * [`transcript`], [`lease_text`]: what happened, normalised; comparison.
//! * [`failing_disk`]: a disk that fails, is slow or loses its power at the test's word.
//! * [`ground`]: namespaces for programs that run for real; [`crowd`]: clients that remember what they were given.
//! * [`load`]: many clients at once; [`bench`]: servers measured with it, and what the durability tests start.
//! * [`management`]: an OMAPI client that adds hosts.
//! * [`pair`]: two servers that are failover peers, for real.
//! * [`in_process`]: one core in this process, without a world.
//! * [`replays`]: recordings of our own server.
//! * [`dice`]: numbers from a seed.
//! * [`random`], [`sessions`]: scenarios from a seed. [`generator`]: configurations and lease files from a seed, [`judge`]: what two programs
//!   say of them.
//! * [`simulator`]: a failover pair of cores, their clients, disks and links on virtual time.
//! * [`random`]: scenarios from a seed; [`expressions`]: expressions from one.
//! * [`recording`]: where the recordings stand; [`lists`]: DIFFERENCES.md and SKIPS; [`ledger`]: coverage.

pub mod bench;
pub mod crowd;
pub mod dice;
pub mod expressions;
pub mod failing_disk;
pub mod generator;
pub mod ground;
pub mod hostile_peer;
pub mod in_process;
pub mod judge;
pub mod lease_text;
pub mod ledger;
pub mod lists;
pub mod live;
pub mod load;
pub mod management;
pub mod pair;
pub mod random;
pub mod recording;
pub mod replay;
pub mod replays;
pub mod scenario;
pub mod script;
pub mod sessions;
pub mod shell;
pub mod simulator;
pub mod transcript;
pub mod wire;
pub mod world;

use std::path::PathBuf;

/// The folder of this package.
pub fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
