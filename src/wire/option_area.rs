//! The shape `code, length, value` that options, their sub-options and DHCPv6 options share, for every width of code and
//! length that an option space can have.

/// Width of code and length in octets, and the code that ends a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// 1, 2 or 4.
    pub code_width: u8,
    /// 0 (the value runs to the end of the buffer), 1 or 2.
    pub length_width: u8,
    /// 255 for the options of a DHCPv4 message; 0, which no option can have, elsewhere.
    pub end: u32,
}

impl Shape {
    /// Options of a DHCPv4 message.
    pub const DHCP: Shape = Shape { code_width: 1, length_width: 1, end: 255 };
    /// Sub-options of option 82 and of most vendor spaces.
    pub const BYTES: Shape = Shape { code_width: 1, length_width: 1, end: 0 };
}

/// Why the rest of a buffer is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The buffer ends behind a code.
    NoLength,
    /// The length reaches beyond the buffer.
    TooLong,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Fault::NoLength => "code tag at end of buffer - missing length field",
            Fault::TooLong => "option length exceeds option buffer length",
        })
    }
}

/// A malformed option ends its buffer; the options before it stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub code: u32,
    pub fault: Fault,
}

/// Walks a buffer: `(code, offset of the value, value)` in wire order, pads skipped, up to the end code, the end of the
/// buffer or a malformed option.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    buffer: &'a [u8],
    offset: usize,
    shape: Shape,
    stopped: bool,
}

impl<'a> Options<'a> {
    pub fn new(buffer: &'a [u8], shape: Shape) -> Self {
        Options { buffer, offset: 0, shape, stopped: false }
    }

    /// Big-endian number of that width at the current offset, and moves past it.
    fn number(&mut self, width: u8) -> Option<u32> {
        let end = self.offset.checked_add(usize::from(width))?;
        let value = self.buffer.get(self.offset..end)?.iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
        self.offset = end;
        Some(value)
    }

    fn stop(&mut self, code: u32, fault: Fault) -> Option<<Self as Iterator>::Item> {
        self.stopped = true;
        Some(Err(Malformed { code, fault }))
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u32, usize, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.stopped {
            let code = self.number(self.shape.code_width)?;
            if code == self.shape.end {
                self.stopped = true;
                return None;
            }
            if code == 0 {
                continue;
            }
            let length = match self.shape.length_width {
                0 => self.buffer.len().saturating_sub(usize::from(self.shape.code_width)),
                width => match self.number(width) {
                    Some(length) => length as usize,
                    None => return self.stop(code, Fault::NoLength),
                },
            };
            let start = self.offset;
            let Some(value) = start.checked_add(length).and_then(|end| self.buffer.get(start..end)) else {
                return self.stop(code, Fault::TooLong);
            };
            self.offset = start + length;
            return Some(Ok((code, start, value)));
        }
        None
    }
}

/// Appends the low octets of a number, big end first.
pub fn put_number(out: &mut Vec<u8>, value: u32, width: u8) {
    let octets = value.to_be_bytes();
    let skip = octets.len().saturating_sub(usize::from(width));
    out.extend(octets.iter().skip(skip));
}

/// Appends one option. A code or length that does not fit its width loses its high bits, as in ISC.
pub fn put(out: &mut Vec<u8>, shape: Shape, code: u32, value: &[u8]) {
    put_number(out, code, shape.code_width);
    put_number(out, value.len() as u32, shape.length_width);
    out.extend_from_slice(value);
}
