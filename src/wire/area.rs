//! Room for the options of a reply: the option area, and `file` and `sname` where they are free (RFC 2132 section 9.3). What
//! goes where, and how long options are split (RFC 3396), follows ISC to the octet.

use super::dhcp4::{FILE_LENGTH, SNAME_LENGTH};
use smallvec::SmallVec;

const PAD: u8 = 0;
const END: u8 = 255;
/// Longest piece of an option.
const PIECE: usize = 255;

/// A field of fixed length that options can overflow into.
#[derive(Clone, Debug)]
struct Field<const N: usize> {
    octets: [u8; N],
    used: usize,
    free: bool,
}

impl<const N: usize> Field<N> {
    fn new(free: bool) -> Self {
        Field { octets: [PAD; N], used: 0, free }
    }

    /// A piece of this length and the end code fit.
    fn fits(&self, length: usize) -> bool {
        self.free && self.used + 3 + length < N
    }

    /// Octets of a value that fit, if more than one does.
    fn rest(&self) -> Option<usize> {
        (self.free && self.used + 4 < N).then(|| N - self.used - 3)
    }

    fn put(&mut self, octets: impl Iterator<Item = u8>) {
        for octet in octets {
            if let Some(place) = self.octets.get_mut(self.used) {
                *place = octet;
                self.used += 1;
            }
        }
    }

    /// Puts the end code behind what is there; what an option that did not fit has left behind it goes.
    fn close(&mut self) -> bool {
        if self.used == 0 {
            return false;
        }
        if let Some(rest) = self.octets.get_mut(self.used..) {
            rest.fill(PAD);
        }
        if let Some(place) = self.octets.get_mut(self.used) {
            *place = END;
        }
        true
    }
}

/// Options written so far.
#[derive(Clone, Debug)]
pub struct Area {
    main: SmallVec<[u8; 512]>,
    capacity: usize,
    file: Field<FILE_LENGTH>,
    sname: Field<SNAME_LENGTH>,
}

#[derive(Clone, Copy)]
enum Place {
    Main,
    File,
    Sname,
}

impl Area {
    /// `capacity` is what the option area holds behind the cookie; five octets of it are kept for what may have to follow.
    pub fn new(capacity: usize, file_is_free: bool, sname_is_free: bool) -> Self {
        Area {
            main: SmallVec::new(),
            capacity,
            file: Field::new(file_is_free),
            sname: Field::new(sname_is_free),
        }
    }

    /// Where a value of this length goes whole. The last option may use the room that others keep free.
    fn place(&self, length: usize, last: bool) -> Option<Place> {
        let used = self.main.len();
        let overflowed = self.file.used > 0 || self.sname.used > 0;
        if (last && !overflowed && used + 2 + length < self.capacity) || used + 5 + length < self.capacity {
            Some(Place::Main)
        } else if self.file.fits(length) {
            Some(Place::File)
        } else if self.sname.fits(length) {
            Some(Place::Sname)
        } else {
            None
        }
    }

    /// Where some of a value goes, and how much.
    fn place_of_piece(&self) -> Option<(Place, usize)> {
        let used = self.main.len();
        if used + 6 < self.capacity {
            return Some((Place::Main, self.capacity - used - 5));
        }
        let file = self.file.rest().map(|rest| (Place::File, rest));
        file.or_else(|| self.sname.rest().map(|rest| (Place::Sname, rest)))
    }

    /// Writes one option, in pieces if need be. `false`: there is no room for it, and nothing of it stays. An empty value
    /// writes nothing.
    pub fn store(&mut self, code: u8, value: &[u8], last: bool) -> bool {
        let before = (self.main.len(), self.file.used, self.sname.used);
        let mut split = value.len() > PIECE;
        let mut rest = value;
        while !rest.is_empty() {
            let whole = if split { None } else { self.place(rest.len(), last) };
            let placed = whole.map(|place| (place, rest.len())).or_else(|| {
                split = true;
                self.place_of_piece()
            });
            let Some((place, room)) = placed else {
                self.main.truncate(before.0);
                (self.file.used, self.sname.used) = (before.1, before.2);
                return false;
            };
            let (piece, after) = rest.split_at(room.min(rest.len()).min(PIECE));
            let octets = [code, piece.len() as u8].into_iter().chain(piece.iter().copied());
            match place {
                Place::Main => self.main.extend(octets),
                Place::File => self.file.put(octets),
                Place::Sname => self.sname.put(octets),
            }
            rest = after;
        }
        true
    }

    /// What is in the option area, without an end code.
    pub fn main(&self) -> &[u8] {
        &self.main
    }

    /// Ends the overflow fields; returns what option 52 has to say: 1 `file`, 2 `sname`, 3 both, 0 neither.
    pub fn close(&mut self) -> u8 {
        u8::from(self.file.close()) | u8::from(self.sname.close()) << 1
    }

    /// The field as it is sent when option 52 names it.
    pub fn file(&self) -> &[u8; FILE_LENGTH] {
        &self.file.octets
    }

    pub fn sname(&self) -> &[u8; SNAME_LENGTH] {
        &self.sname.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_then_overflow_then_pieces() {
        let mut area = Area::new(64, true, true);
        assert!(area.store(1, &[1; 40], false));
        // 42 octets used: ten more do not leave five free, so this one goes to `file`
        assert!(area.store(2, &[2; 20], false));
        assert_eq!((area.main().len(), area.file.used), (42, 22));
        // neither has room for it whole: 17 octets go to the option area, the rest of `file` and `sname` are filled
        assert!(area.store(3, &[3; 150], false));
        assert_eq!(area.main()[42..44], [3, 17]);
        assert_eq!(area.file.octets[22..24], [3, 103]);
        assert_eq!(area.sname.octets[..2], [3, 30]);
        assert_eq!(area.close(), 3);
        assert_eq!((area.file()[127], area.sname()[32]), (END, END));
    }

    #[test]
    fn nothing_of_what_does_not_fit_stays() {
        let mut area = Area::new(40, true, false);
        assert!(area.store(1, &[1; 10], false));
        assert!(!area.store(2, &[2; 200], false));
        assert_eq!((area.main().len(), area.close()), (12, 0));
        assert!(area.store(3, &[3; 4], false));
        assert_eq!(area.main()[12..14], [3, 4]);
    }

    #[test]
    fn long_options_are_split_in_pieces_of_255() {
        let mut area = Area::new(1024, false, false);
        assert!(area.store(4, &[4; 300], false));
        assert_eq!((area.main()[1], area.main()[257], area.main()[258]), (255, 4, 45));
        assert!(area.store(5, &[], false));
        assert_eq!(area.main().len(), 304);
    }

    #[test]
    fn the_last_option_may_fill_the_area() {
        let mut area = Area::new(20, false, false);
        assert!(!area.store(1, &[1; 17], false) || area.main()[1] < 17);
        let mut area = Area::new(20, false, false);
        assert!(area.store(1, &[1; 17], true));
        assert_eq!(area.main().len(), 19);
    }
}
