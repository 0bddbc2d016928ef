//! Protobuf at wire level: walks the fields of a message without knowing its type.
//!
//! Takes bytes, gives slices of them. A field is dropped here rather than by decoding and encoding, because
//! a typed decode loses what it does not know, and metadata may hold fields that a later patch release added.

use snafu::Snafu;

/// Why bytes are not a protobuf message.
#[derive(Clone, Debug, PartialEq, Eq, Snafu)]
pub enum WireError {
    /// The bytes end inside a field.
    #[snafu(display("the value ends in the middle of a field, at byte {at}"))]
    Cut {
        /// Offset of the field.
        at: usize,
    },
    /// A varint has more than ten bytes.
    #[snafu(display("a number at byte {at} is longer than a protobuf number can be"))]
    Varint {
        /// Offset of the field.
        at: usize,
    },
    /// Field number 0, a group, or a wire type that does not exist.
    #[snafu(display("byte {at} does not start a protobuf field"))]
    Tag {
        /// Offset of the field.
        at: usize,
    },
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Tag and payload as they stand.
    pub whole: &'a [u8],
    /// What a length-delimited field holds; empty for numbers.
    pub payload: &'a [u8],
}

/// The fields of a message, in the order in which they stand. Ends after the first error.
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Walks `bytes` as a message.
pub fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { bytes, at: 0 }
}

impl<'a> Fields<'a> {
    fn varint(&self, start: usize) -> Result<(u64, usize), WireError> {
        let mut value = 0u64;
        for index in 0..10 {
            let byte = *self.bytes.get(start + index).ok_or(WireError::Cut { at: self.at })?;
            let bits = u64::from(byte & 0x7f);
            if index == 9 && bits > 1 {
                return Err(WireError::Varint { at: self.at });
            }
            value |= bits << (7 * index);
            if byte & 0x80 == 0 {
                return Ok((value, start + index + 1));
            }
        }
        Err(WireError::Varint { at: self.at })
    }

    fn step(&mut self) -> Result<Field<'a>, WireError> {
        let start = self.at;
        let (tag, body) = self.varint(start)?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n));
        let number = number.ok_or(WireError::Tag { at: start })?;
        let (from, to) = match tag & 7 {
            0 => {
                let (_, end) = self.varint(body)?;
                (end, end)
            }
            1 => (body + 8, body + 8),
            2 => {
                let (length, from) = self.varint(body)?;
                let length = usize::try_from(length).map_err(|_| WireError::Cut { at: start })?;
                (from, from.checked_add(length).ok_or(WireError::Cut { at: start })?)
            }
            5 => (body + 4, body + 4),
            _ => return Err(WireError::Tag { at: start }),
        };
        let whole = self.bytes.get(start..to).ok_or(WireError::Cut { at: start })?;
        self.at = to;
        Ok(Field { number, whole, payload: &self.bytes[from..to] })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let field = self.step();
        if field.is_err() {
            self.at = self.bytes.len();
        }
        Some(field)
    }
}

/// The message without every field of that number; `None` when it has none. All other bytes stay as they
/// stand, in their order.
///
/// # Errors
///
/// When the bytes are no protobuf message.
pub fn without(bytes: &[u8], number: u32) -> Result<Option<Vec<u8>>, WireError> {
    let mut kept = Vec::with_capacity(bytes.len());
    for field in fields(bytes) {
        let field = field?;
        if field.number != number {
            kept.extend_from_slice(field.whole);
        }
    }
    Ok((kept.len() != bytes.len()).then_some(kept))
}

/// Whether the message has a field whose number is above `highest`, the last one that its type has in 2.1.
///
/// # Errors
///
/// When the bytes before the first such field are no protobuf message.
pub fn has_above(bytes: &[u8], highest: u32) -> Result<bool, WireError> {
    for field in fields(bytes) {
        if field?.number > highest {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn drops_one_number_and_keeps_the_rest_in_order() {
        let bytes = [0x08, 1, 0x32, 2, 9, 9, 0xfa, 0x3f, 1, 7, 0x32, 0, 0x10, 2];
        let kept = without(&bytes, 6).unwrap().unwrap();
        assert_eq!(kept, [0x08, 1, 0xfa, 0x3f, 1, 7, 0x10, 2]);
        assert_eq!(without(&kept, 6).unwrap(), None);
    }

    #[test]
    fn a_cut_value_is_an_error() {
        assert_eq!(without(&[0x32, 5, 1], 1), Err(WireError::Cut { at: 0 }));
        assert_eq!(without(&[0x08, 1, 0x80], 1), Err(WireError::Cut { at: 2 }));
        assert_eq!(without(&[0x0b], 1), Err(WireError::Tag { at: 0 }));
        assert_eq!(without(&[0x00], 1), Err(WireError::Tag { at: 0 }));
        assert_eq!(without(&[0xff; 11], 1), Err(WireError::Varint { at: 0 }));
        assert!(without(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 1).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_fields_cover_the_message(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let whole: Result<Vec<_>, _> = fields(&bytes).collect();
            if let Ok(whole) = whole {
                let joined: Vec<u8> = whole.iter().flat_map(|f| f.whole.to_vec()).collect();
                prop_assert_eq!(joined, bytes);
            }
        }
    }
}
