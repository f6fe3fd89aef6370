//! Which server of a pair answers which client (RFC 3074 as ISC does it).
//!
//! A client falls into one of 256 buckets by the Pearson hash of its identifier, else of its hardware address; the hash
//! bucket assignment says which buckets are the primary's.

/// The mixing table of RFC 3074 section 6.
#[rustfmt::skip]
const MIX: [u8; 256] = [
    251, 175, 119, 215, 81, 14, 79, 191, 103, 49, 181, 143, 186, 157, 0, 232,
    31, 32, 55, 60, 152, 58, 17, 237, 174, 70, 160, 144, 220, 90, 57, 223,
    59, 3, 18, 140, 111, 166, 203, 196, 134, 243, 124, 95, 222, 179, 197, 65,
    180, 48, 36, 15, 107, 46, 233, 130, 165, 30, 123, 161, 209, 23, 97, 16,
    40, 91, 219, 61, 100, 10, 210, 109, 250, 127, 22, 138, 29, 108, 244, 67,
    207, 9, 178, 204, 74, 98, 126, 249, 167, 116, 34, 77, 193, 200, 121, 5,
    20, 113, 71, 35, 128, 13, 182, 94, 25, 226, 227, 199, 75, 27, 41, 245,
    230, 224, 43, 225, 177, 26, 155, 150, 212, 142, 218, 115, 241, 73, 88, 105,
    39, 114, 62, 255, 192, 201, 145, 214, 168, 158, 221, 148, 154, 122, 12, 84,
    82, 163, 44, 139, 228, 236, 205, 242, 217, 11, 187, 146, 159, 64, 86, 239,
    195, 42, 106, 198, 118, 112, 184, 172, 87, 2, 173, 117, 176, 229, 247, 253,
    137, 185, 99, 164, 102, 147, 45, 66, 231, 52, 141, 211, 194, 206, 246, 238,
    56, 110, 78, 248, 63, 240, 189, 93, 92, 51, 53, 183, 19, 171, 72, 50,
    33, 104, 101, 69, 8, 252, 83, 120, 76, 135, 85, 54, 202, 125, 188, 213,
    96, 235, 136, 208, 162, 129, 190, 132, 156, 38, 47, 1, 7, 254, 24, 4,
    216, 131, 89, 21, 28, 133, 37, 153, 149, 80, 170, 68, 6, 169, 234, 151,
];

/// Bucket of a key, from its last octet to its first.
pub fn bucket(key: &[u8]) -> u8 {
    key.iter()
        .rev()
        .fold(key.len() as u8, |hash, octet| MIX.get(usize::from(hash ^ octet)).copied().unwrap_or(0))
}

/// 256 bits, the lowest of the first octet first; set: the primary's.
pub type Buckets = [u8; 32];

/// Whether the primary answers clients with this key.
pub fn is_primarys(buckets: &Buckets, key: &[u8]) -> bool {
    let bucket = bucket(key);
    buckets.get(usize::from(bucket >> 3)).is_some_and(|octet| octet & 1 << (bucket & 7) != 0)
}

/// `secs` as it was meant, with `check-secs-byte-order`.
pub fn seconds(secs: u16, check_byte_order: bool) -> u16 {
    if check_byte_order && secs > 255 && secs & 0xff == 0 { secs.swap_bytes() } else { secs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_of_the_recordings() {
        // PROTOCOL section 12: confirmed by who answered in b1, b2 and j6.
        for (key, expected) in [
            (&[2, 0, 0, 0, 0, 1][..], 133),
            (&[2, 0, 0, 0, 0, 2], 45),
            (&[2, 0, 0, 0, 0, 3], 182),
            (&[2, 0, 0, 0, 1, 0], 92),
            (&[2, 0, 0, 0, 1, 1], 141),
            (&[2, 0, 0, 0, 1, 3], 254),
            (&[0xff, 1, 2, 3, 4, 5, 6, 7, 8], 214),
        ] {
            assert_eq!(bucket(key), expected, "{key:x?}");
        }
        let mut half = [0u8; 32];
        half[..16].fill(0xff);
        assert!(!is_primarys(&half, &[2, 0, 0, 0, 0, 1]));
        assert!(is_primarys(&half, &[2, 0, 0, 0, 0, 2]));
        assert!(is_primarys(&[0x55; 32], &[2, 0, 0, 0, 1, 3]));
    }

    #[test]
    fn swapped_seconds() {
        assert_eq!(seconds(0x0500, true), 5);
        assert_eq!(seconds(0x0500, false), 0x0500);
        assert_eq!(seconds(0x0501, true), 0x0501);
    }
}
