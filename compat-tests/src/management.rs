//! A plain OMAPI client of its own: the judge does not share code with the judged. It adds hosts, one after another on each
//! connection, and remembers which were acknowledged.

pub mod fuzz;

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub type Result<T> = std::result::Result<T, String>;

/// Customary, and what the tests configure.
pub const PORT: u16 = 7911;

const OPEN: u32 = 1;
const UPDATE: u32 = 3;
const STATUS: u32 = 5;

/// An answer: what kind it is, a result code if it has one, the object's handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub operation: u32,
    pub handle: u32,
    pub result: Option<u32>,
}

impl Answer {
    pub fn is_done(&self) -> bool {
        self.operation == UPDATE || self.result == Some(0)
    }
}

pub struct Client {
    /// Buffered: the client is not to be what is measured.
    stream: BufReader<TcpStream>,
    id: u32,
}

fn say(what: &str) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Names and octets as they go over the wire.
pub fn values(list: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in list {
        out.extend_from_slice(&(name.len() as u16).to_be_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(value.len() as u32).to_be_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(&[0, 0]);
    out
}

/// Six numbers and both lists.
pub fn message(operation: u32, handle: u32, id: u32, message: &[u8], object: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [0, 0, operation, handle, id, 0] {
        out.extend_from_slice(&u32::to_be_bytes(number));
    }
    out.extend_from_slice(message);
    out.extend_from_slice(object);
    out
}

impl Client {
    /// Connects, again and again for a while: ISC's queue holds one caller.
    pub fn connect(port: u16) -> Result<Client> {
        let began = Instant::now();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        loop {
            match TcpStream::connect(address).and_then(Client::greet) {
                Ok(client) => return Ok(client),
                Err(_) if began.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(format!("OMAPI: {error}")),
            }
        }
    }

    fn greet(mut stream: TcpStream) -> std::io::Result<Client> {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        let mut greeting = [0; 8];
        stream.write_all(&[0, 0, 0, 100, 0, 0, 0, 24])?;
        stream.read_exact(&mut greeting)?;
        Ok(Client { stream: BufReader::new(stream), id: 1 })
    }

    /// The connection itself, for what is no message.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    pub fn ask(
        &mut self,
        operation: u32,
        handle: u32,
        own: &[(&str, &[u8])],
        object: &[(&str, &[u8])],
    ) -> Result<Answer> {
        self.id += 1;
        let octets = message(operation, handle, self.id, &values(own), &values(object));
        self.stream.get_mut().write_all(&octets).map_err(say("write"))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut header = [0; 24];
        self.stream.read_exact(&mut header).map_err(say("read"))?;
        let number = |at: usize| u32::from_be_bytes(header[at * 4..at * 4 + 4].try_into().expect("four"));
        let mut answer = Answer { operation: number(2), handle: number(3), result: None };
        for _ in 0..2 {
            self.list(&mut answer)?;
        }
        Ok(answer)
    }

    fn list(&mut self, answer: &mut Answer) -> Result<()> {
        loop {
            let mut length = [0; 2];
            self.stream.read_exact(&mut length).map_err(say("read"))?;
            let length = usize::from(u16::from_be_bytes(length));
            if length == 0 {
                return Ok(());
            }
            let mut name = vec![0; length + 4];
            self.stream.read_exact(&mut name).map_err(say("read"))?;
            let length = u32::from_be_bytes(name.split_off(name.len() - 4).try_into().expect("four"));
            let mut value = vec![0; length as usize];
            self.stream.read_exact(&mut value).map_err(say("read"))?;
            if answer.operation == STATUS && name == b"result" {
                answer.result = value.try_into().ok().map(u32::from_be_bytes);
            }
        }
    }

    /// A host of this number, which must not be there yet.
    pub fn add_host(&mut self, number: u32) -> Result<Answer> {
        let [a, b, c, d] = number.to_be_bytes();
        let (name, one) = (host_name(number), 1u32.to_be_bytes());
        let flags: [(&str, &[u8]); 3] = [("type", b"host"), ("create", &one), ("exclusive", &one)];
        let object: [(&str, &[u8]); 4] = [
            ("name", name.as_bytes()),
            ("hardware-address", &[2, 0x55, a, b, c, d]),
            ("hardware-type", &one),
            ("ip-address", &[10, 200, c, d]),
        ];
        self.ask(OPEN, 0, &flags, &object)
    }
}

pub fn host_name(number: u32) -> String {
    format!("host-{number}")
}

/// What a crowd of connections did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Numbers of the hosts whose addition was acknowledged.
    pub acknowledged: Vec<u32>,
    pub elapsed: Duration,
    /// Until the answer came.
    pub worst: Duration,
}

impl Done {
    pub fn rate(&self) -> f64 {
        self.acknowledged.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// So many connections add hosts, until all `numbers` are used, the time is over or the server is gone.
pub fn add_hosts(connections: usize, numbers: std::ops::Range<u32>, time: Duration) -> Result<Done> {
    let clients = (0..connections).map(|_| Client::connect(PORT)).collect::<Result<Vec<_>>>()?;
    let (numbers, done, began) = (Mutex::new(numbers), Mutex::new(Done::default()), Instant::now());
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for mut client in clients {
            let (numbers, done, failed) = (&numbers, &done, &failed);
            scope.spawn(move || {
                let (mut own, mut worst) = (Vec::new(), Duration::ZERO);
                while began.elapsed() < time {
                    let Some(number) = numbers.lock().expect("no panic").next() else { break };
                    let asked = Instant::now();
                    match client.add_host(number) {
                        Ok(answer) if answer.is_done() => own.push(number),
                        Ok(answer) => {
                            *failed.lock().expect("no panic") = Some(format!("host {number}: {answer:?}"));
                            break;
                        }
                        // It was killed, or the time is over.
                        Err(_) => break,
                    }
                    worst = worst.max(asked.elapsed());
                }
                let mut done = done.lock().expect("no panic");
                done.acknowledged.append(&mut own);
                done.worst = done.worst.max(worst);
            });
        }
    });
    if let Some(failed) = failed.into_inner().expect("no panic") {
        return Err(failed);
    }
    let mut done = done.into_inner().expect("no panic");
    done.elapsed = began.elapsed();
    Ok(done)
}
