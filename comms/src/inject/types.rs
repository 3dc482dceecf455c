//! Types as values: names for diagnoses, identities for ordering providers.

use std::any::{TypeId, type_name};

/// A type, by identity and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeRef {
    id: TypeId,
    name: &'static str,
}

impl TypeRef {
    /// The type `T`.
    #[must_use]
    pub fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// Its full path, for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its identity.
    #[must_use]
    pub fn id(self) -> TypeId {
        self.id
    }
}

/// A tuple of types: the dependencies of a service or provider, the arguments of a handler.
pub trait TypeList {
    /// The types, in order.
    fn types() -> Vec<TypeRef>;
}

macro_rules! type_list {
    ($($name:ident)*) => {
        impl<$($name: 'static),*> TypeList for ($($name,)*) {
            fn types() -> Vec<TypeRef> {
                vec![$(TypeRef::of::<$name>()),*]
            }
        }
    };
}

type_list!();
type_list!(A);
type_list!(A B);
type_list!(A B C);
type_list!(A B C D);
type_list!(A B C D E);
type_list!(A B C D E F);
type_list!(A B C D E F G);
type_list!(A B C D E F G H);
type_list!(A B C D E F G H I);
type_list!(A B C D E F G H I J);
type_list!(A B C D E F G H I J K);
type_list!(A B C D E F G H I J K L);
