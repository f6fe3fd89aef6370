//! The known word that was probably meant.

/// A word may be this far from what was meant, by its length.
fn tolerance(length: usize) -> usize {
    match length {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

/// The nearest of `words` to `word`, if any is near enough and it is not the word itself.
pub fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_ascii_lowercase();
    words
        .filter(|known| !known.eq_ignore_ascii_case(&word) && known.len().abs_diff(word.len()) <= 3)
        .map(|known| (strsim::damerau_levenshtein(&word, known), known))
        .filter(|(distance, _)| *distance <= tolerance(word.len()))
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen() {
        let words = ["authoritative", "option", "range", "routers"];
        assert_eq!(nearest("auhhoritative", words.into_iter()), Some("authoritative"));
        assert_eq!(nearest("rnage", words.into_iter()), Some("range"));
        assert_eq!(nearest("range", words.into_iter()), None);
        assert_eq!(nearest("x", words.into_iter()), None);
    }
}
