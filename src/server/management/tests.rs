//! OMAPI through the core, while one server after another takes over: what a client sees and when, and what none can do. Codes are those of the real program (ledger
//! `omapi.tsv`; compat-tests has sessions with its omshell).

use super::Settings;
use crate::omapi::codec::{Decoder, Message, Operation, Proof, greeting};
use crate::omapi::key::{Algorithm, Key};
use crate::omapi::result::Code;
use crate::omapi::{MOST_CONNECTIONS, message};
use crate::server::effect::{StreamEffect, StreamId};
use crate::server::event::{Event, Listener, StreamEvent};
use crate::server::tests::World;
use std::net::{Ipv4Addr, SocketAddrV4};

const OPEN_TO_ALL: &str = "omapi-port 7911; authoritative; ping-check false; default-lease-time 600;
    subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.109; }";
const WITH_KEY: &str = "omapi-port 7911; omapi-key k;
    key k { algorithm hmac-sha256; secret c2VjcmV0; } key other { algorithm hmac-md5; secret c2VjcmV0; }
    subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.109; }";

fn world(text: &str, key: Option<&str>) -> World {
    world_of_seed(text, key, 7)
}

fn world_of_seed(text: &str, key: Option<&str>, seed: u32) -> World {
    let mut world = World::new(text);
    let settings = Settings { port: 7911, key: key.map(Into::into), seed };
    world.server.offer_omapi(settings, &mut world.effects);
    world.perform();
    world.said();
    world.hands_over = true;
    world
}

/// A client on a stream of its own.
struct Client {
    stream: StreamId,
    decoder: Decoder,
    id: u32,
    key: Option<(u32, Key)>,
}

impl Client {
    fn connect(world: &mut World, number: u64) -> Client {
        Client::connect_from(world, number, Ipv4Addr::LOCALHOST)
    }

    fn connect_from(world: &mut World, number: u64, source: Ipv4Addr) -> Client {
        let stream = StreamId(StreamId::ACCEPTED + number);
        let source = SocketAddrV4::new(source, 1000);
        world.event(Event::Stream {
            stream,
            event: StreamEvent::Accepted { listener: Listener::Omapi, source },
        });
        let mut client = Client { stream, decoder: Decoder::new(1 << 20), id: 100, key: None };
        client.send(world, &greeting());
        client
    }

    fn send(&mut self, world: &mut World, octets: &[u8]) {
        world.event(Event::Stream { stream: self.stream, event: StreamEvent::Received(octets) });
    }

    /// What has come for it; whether its connection was closed.
    fn heard(&mut self, world: &mut World) -> (Vec<Message>, bool) {
        let (mut closed, mut messages) = (false, Vec::new());
        world.streams.retain(|(stream, effect, octets)| {
            if *stream != self.stream {
                return true;
            }
            closed |= *effect == StreamEffect::Abort;
            self.decoder.push(octets);
            false
        });
        let key = self.key.as_ref().map(|(_, key)| key);
        while let Some(received) = self.decoder.next(|_| key).expect("sound answers") {
            assert!(received.message.authenticator == 0 || received.proof == Proof::Good);
            messages.push(received.message);
        }
        (messages, closed)
    }

    fn message(&mut self, operation: Operation, own: &[(&str, &[u8])], object: &[(&str, &[u8])]) -> Message {
        self.id += 1;
        let mut message = Message::new(operation, self.id);
        own.iter().for_each(|(name, value)| message.values.set(name.as_bytes(), Some(value)));
        object.iter().for_each(|(name, value)| message.object.set(name.as_bytes(), Some(value)));
        message.authenticator = self.key.as_ref().map_or(0, |(number, _)| *number);
        message
    }

    fn say(&mut self, world: &mut World, message: &Message) {
        let mut octets = Vec::new();
        message.encode(self.key.as_ref().map(|(_, key)| key), &mut octets);
        self.send(world, &octets);
    }

    /// Asks, lets the disk catch up, and gives the one answer.
    fn ask(&mut self, world: &mut World, message: &Message) -> Message {
        self.say(world, message);
        world.event(Event::Durable(world.written));
        let (mut messages, closed) = self.heard(world);
        assert!(!closed && messages.len() == 1, "{closed} {messages:?}");
        messages.pop().expect("one")
    }

    fn open(&mut self, world: &mut World, kind: &[u8], object: &[(&str, &[u8])]) -> Message {
        let message = self.message(Operation::Open, &[("type", kind)], object);
        self.ask(world, &message)
    }

    fn create_host(&mut self, name: &[u8], last: u8) -> Message {
        let one = 1u32.to_be_bytes();
        let own: [(&str, &[u8]); 3] = [("type", b"host"), ("create", &one), ("exclusive", &one)];
        let hardware = [2, 0, 0, 0, 1, last];
        self.message(
            Operation::Open,
            &own,
            &[("name", name), ("hardware-address", &hardware), ("hardware-type", &one)],
        )
    }

    fn open_key(&mut self, world: &mut World, name: &str, algorithm: Algorithm, full: &str) -> Message {
        let answer =
            self.open(world, b"authenticator", &[("name", name.as_bytes()), ("algorithm", full.as_bytes())]);
        if answer.operation == Operation::Update {
            self.key = Some((answer.handle, Key::new(algorithm, b"secret")));
        }
        answer
    }
}

fn result(answer: &Message) -> Code {
    assert_eq!(answer.operation, Operation::Status);
    Code(answer.values.get_u32("result").expect("a result"))
}

#[test]
fn an_answer_waits_for_its_record_and_answers_keep_their_order() {
    let mut world = world(OPEN_TO_ALL, None);
    let mut client = Client::connect(&mut world, 0);
    world.event(Event::Durable(world.written));
    client.heard(&mut world);
    let create = client.create_host(b"alpha", 1);
    client.say(&mut world, &create);
    let look = client.message(Operation::Open, &[("type", b"control")], &[]);
    client.say(&mut world, &look);
    assert!(world.file.contains("host alpha {\n  dynamic;\n  hardware ethernet 02:00:00:00:01:01;\n}\n"));
    assert_eq!(client.heard(&mut world), (Vec::new(), false));
    world.event(Event::Durable(world.written));
    let (answers, _) = client.heard(&mut world);
    let asked: Vec<u32> = answers.iter().map(|answer| answer.response_to).collect();
    assert_eq!(asked, [create.id, look.id]);
    assert_eq!(answers[0].object.get("name"), Some(&b"alpha"[..]));
}

#[test]
fn a_disk_that_fails_lets_nobody_wait() {
    let mut world = world(OPEN_TO_ALL, None);
    let mut client = Client::connect(&mut world, 0);
    world.event(Event::Durable(world.written));
    client.heard(&mut world);
    let create = client.create_host(b"alpha", 1);
    client.say(&mut world, &create);
    world.event(Event::JournalFailed("No space left on device".into()));
    assert_eq!(client.heard(&mut world), (Vec::new(), true));
    let mut late = Client::connect(&mut world, 1);
    let create = late.create_host(b"beta", 2);
    late.say(&mut world, &create);
    assert!(late.heard(&mut world).1);
}

#[test]
fn without_a_signature_nothing_is_done() {
    let mut world = world(WITH_KEY, Some("k"));
    let mut client = Client::connect(&mut world, 0);
    world.event(Event::Durable(world.written));
    client.heard(&mut world);
    let before = world.file.clone();
    let create = client.create_host(b"alpha", 1);
    let answer = client.ask(&mut world, &create);
    assert_eq!(result(&answer), Code::NO_KEYS);
    assert_eq!(answer.values.get("message"), Some(message::NO_AUTHENTICATOR.as_bytes()));
    let md5 = "hmac-md5.SIG-ALG.REG.INT.";
    // A key that is declared and not the one; an unknown one; a wrong algorithm.
    let other = client.open_key(&mut world, "other", Algorithm::HmacMd5, md5);
    assert_eq!(result(&other), Code::INVALID_KEY);
    for (name, algorithm) in [("nobody", md5), ("k", md5)] {
        let answer = client.open_key(&mut world, name, Algorithm::HmacMd5, algorithm);
        assert_eq!(result(&answer), Code::NOT_FOUND);
    }
    client.open_key(&mut world, "k", Algorithm::HmacSha256, "hmac-sha256.SIG-ALG.REG.INT.");
    let (number, right) = client.key.clone().expect("opened");
    // The wrong secret.
    client.key = Some((number, Key::new(Algorithm::HmacSha256, b"guess")));
    let answer = client.ask(&mut world, &create.clone_with(number));
    assert_eq!(result(&answer), Code::INVALID_KEY);
    // The key's number and no signature at all, which ISC takes for a good one.
    client.key = None;
    let answer = client.ask(&mut world, &create.clone_with(number));
    assert_eq!(result(&answer), Code::INVALID_KEY);
    assert_eq!(world.file, before);
    // The number of a key that was opened on another connection.
    let mut stranger = Client::connect(&mut world, 1);
    stranger.key = Some((number, right.clone()));
    stranger.say(&mut world, &create.clone_with(number));
    assert!(stranger.heard(&mut world).1);
    client.key = Some((number, right));
    let answer = client.ask(&mut world, &create.clone_with(number));
    assert_eq!((answer.operation, answer.authenticator), (Operation::Update, number));
}

trait CloneWith {
    fn clone_with(&self, authenticator: u32) -> Message;
}

impl CloneWith for Message {
    fn clone_with(&self, authenticator: u32) -> Message {
        Message { authenticator, ..self.clone() }
    }
}

const SHA256: &str = "hmac-sha256.SIG-ALG.REG.INT.";

/// Octets that were heard, sent by somebody who has opened the key and knows no secret. The number of the key is not signed.
fn replay(world: &mut World, octets: &[u8], stream: u64, from: Ipv4Addr) -> Code {
    let mut thief = Client::connect_from(world, stream, from);
    thief.open_key(world, "k", Algorithm::HmacSha256, SHA256);
    let (number, key) = thief.key.clone().expect("a key");
    let rest = octets.get(4..).unwrap_or_default();
    thief.send(world, &[&number.to_be_bytes()[..], rest].concat());
    world.event(Event::Durable(world.written));
    // Answers are signed, which the thief does not check.
    thief.key = Some((number, key));
    let (mut answers, _) = thief.heard(world);
    let answer = answers.pop().expect("an answer");
    if answer.operation == Operation::Update { Code::SUCCESS } else { result(&answer) }
}

#[test]
fn a_recorded_session_changes_nothing_when_somebody_else_sends_it() {
    let (admin, thief) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    let mut world = world(WITH_KEY, Some("k"));
    let mut client = Client::connect_from(&mut world, 0, admin);
    world.event(Event::Durable(world.written));
    client.heard(&mut world);
    client.open_key(&mut world, "k", Algorithm::HmacSha256, SHA256);
    let key = client.key.clone().map(|(_, key)| key);
    let mut session = Vec::new();
    let mut tell = |world: &mut World, client: &mut Client, message: &Message| {
        let mut octets = Vec::new();
        message.encode(key.as_ref(), &mut octets);
        session.push(octets);
        client.ask(world, message)
    };
    let create = client.create_host(b"alpha", 1);
    let host = tell(&mut world, &mut client, &create);
    let look = client.message(Operation::Open, &[("type", b"lease")], &[("ip-address", &[10, 9, 0, 100])]);
    let lease = tell(&mut world, &mut client, &look);
    let mut update = client.message(Operation::Update, &[], &[("ends", &[0; 4])]);
    update.handle = lease.handle;
    tell(&mut world, &mut client, &update);
    let mut delete = client.message(Operation::Delete, &[], &[]);
    delete.handle = host.handle;
    assert_eq!(result(&tell(&mut world, &mut client, &delete)), Code::SUCCESS);
    // From another address: only the look-up is answered.
    let before = world.file.clone();
    let codes: Vec<Code> =
        (1..).zip(&session).map(|(n, octets)| replay(&mut world, octets, n, thief)).collect();
    assert_eq!(codes, [Code::INVALID_KEY, Code::SUCCESS, Code::INVALID_KEY, Code::INVALID_KEY]);
    assert_eq!(world.file, before);
    // A script that runs twice is heard twice: ISC's omshell signs it alike.
    assert_eq!(replay(&mut world, &session[0], 10, admin), Code::SUCCESS);
    // After a restart objects have other numbers.
    let mut again = world_of_seed(WITH_KEY, Some("k"), 0x1234_5678);
    let before = again.file.clone();
    replay(&mut again, &session[1], 1, thief);
    let codes = [2, 3].map(|n| replay(&mut again, &session[n], n as u64, thief));
    assert_eq!((codes, again.file), ([Code::NOT_FOUND; 2], before));
}

#[test]
fn half_messages_giants_and_crowds_come_to_an_end() {
    let mut world = world(OPEN_TO_ALL, None);
    let mut half = Client::connect(&mut world, 0);
    half.send(&mut world, &[0; 30]);
    let mut idle = Client::connect(&mut world, 1);
    world.pass(29);
    half.send(&mut world, b"x");
    world.pass(2);
    assert!(half.heard(&mut world).1 && !idle.heard(&mut world).1);
    // Two gigabytes, four gigabytes, another protocol.
    for (number, octets) in [&b"\0\x01n\x7f\xff\xff\xff"[..], b"\0\x01n\xff\xff\xff\xff"].iter().enumerate() {
        let mut giant = Client::connect(&mut world, 2 + number as u64);
        giant.send(&mut world, &[&[0; 24], *octets].concat());
        assert!(giant.heard(&mut world).1);
    }
    // One more than may be: the one silent longest goes.
    world.pass(1);
    let mut crowd: Vec<Client> =
        (0..MOST_CONNECTIONS as u64).map(|number| Client::connect(&mut world, 100 + number)).collect();
    assert!(idle.heard(&mut world).1);
    assert!(crowd.iter_mut().all(|client| !client.heard(&mut world).1));
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let mut world = world(OPEN_TO_ALL, None);
    let mut client = Client::connect(&mut world, 0);
    world.event(Event::Durable(world.written));
    client.heard(&mut world);
    let before = world.file.clone();
    for name in [&b"two words"[..], b"semi;colon", b"brace{", b"", b"quote\"", b"line\nbreak", b"\xff"] {
        let create = client.create_host(name, 1);
        assert_eq!(result(&client.ask(&mut world, &create)), Code::INVALID_ARGUMENT, "{name:?}");
    }
    let lease = client.open(&mut world, b"lease", &[("ip-address", &[10, 9, 0, 100])]);
    for name in ["tstp", "tsfp", "atsfp", "cltt", "binding", "a b", "a;b", "1a"] {
        let mut update = client.message(Operation::Update, &[], &[(name, b"1")]);
        update.handle = lease.handle;
        assert_eq!(result(&client.ask(&mut world, &update)), Code::INVALID_ARGUMENT, "{name}");
    }
    // Null values, which crash ISC.
    for name in ["state", "ends", "flags"] {
        let mut update = client.message(Operation::Update, &[], &[(name, b"")]);
        update.handle = lease.handle;
        assert_eq!(result(&client.ask(&mut world, &update)), Code::INVALID_ARGUMENT, "{name}");
    }
    assert_eq!(world.file, before);
}

/// One octet at a time, each to another server: half messages, drafts, handles and keys are what they were.
#[test]
fn a_session_goes_on_in_another_server() {
    let mut world = world(WITH_KEY, Some("k"));
    let mut client = Client::connect(&mut world, 0);
    client.heard(&mut world);
    client.open_key(&mut world, "k", Algorithm::HmacSha256, "hmac-sha256.SIG-ALG.REG.INT.");
    let one = 1u32.to_be_bytes();
    let draft = client.open(&mut world, b"host", &[]);
    let hardware = [2, 0, 0, 0, 1, 7];
    let values: [(&str, &[u8]); 3] =
        [("name", b"late"), ("hardware-type", &one), ("hardware-address", &hardware)];
    let mut update = client.message(Operation::Update, &[], &values);
    update.handle = draft.handle;
    let mut octets = Vec::new();
    update.encode(client.key.as_ref().map(|(_, key)| key), &mut octets);
    for octet in &octets {
        assert_eq!(client.heard(&mut world), (Vec::new(), false));
        client.send(&mut world, std::slice::from_ref(octet));
    }
    world.event(Event::Durable(world.written));
    let (answers, closed) = client.heard(&mut world);
    assert!(!closed && answers.len() == 1, "{answers:?}");
    assert_eq!(result(&answers[0]), Code::SUCCESS);
    assert!(world.file.contains("host late {\n  dynamic;\n  hardware ethernet 02:00:00:00:01:07;\n}\n"));
    let mut again = client.message(Operation::Refresh, &[], &[]);
    again.handle = draft.handle;
    assert_eq!(client.ask(&mut world, &again).object.get("name"), Some(&b"late"[..]));
    // Of a message that nobody finishes the next server closes the connection in time.
    client.send(&mut world, &octets[..9]);
    world.pass(31);
    assert!(client.heard(&mut world).1);
}

#[test]
fn an_order_to_end_ends_it_when_everything_is_on_the_disk() {
    let mut world = world(OPEN_TO_ALL, None);
    let mut client = Client::connect(&mut world, 0);
    let control = client.open(&mut world, b"control", &[]);
    assert_eq!(control.object.get_u32("state"), Some(0));
    let create = client.create_host(b"alpha", 1);
    client.say(&mut world, &create);
    world.said();
    let mut update = client.message(Operation::Update, &[], &[("state", &2u32.to_be_bytes())]);
    update.handle = control.handle;
    client.say(&mut world, &update);
    assert_eq!(
        world.said(),
        [
            "Disabling output on LPF/s0/02:00:00:00:00:01/10.9.0.0/24",
            "Disabling input on LPF/s0/02:00:00:00:00:01/10.9.0.0/24"
        ]
    );
    world.event(Event::Durable(world.written));
    assert_eq!(world.said(), ["exit 0"]);
    assert_eq!(client.heard(&mut world).0.len(), 1);
}
