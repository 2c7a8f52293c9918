/**
 * The sentences of `wasi:keyvalue/batch` that state what an implementation guarantees or does not guarantee. An id
 * starts with the name of a function, or with `batch` if the sentence is about the whole interface.
 */
export const witSentences = {
  "batch 1":
    "For example, if you want to get the values associated with 100 keys, you can either do 100 get operations or you can do 1 batch get operation.",
  "batch 2": "The batch operation is faster because it only needs to make 1 network call instead of 100.",
  "batch 3":
    "A batch operation does not guarantee atomicity, meaning that if the batch operation fails, some of the keys may have been modified and some may not.",
  "batch 4":
    'This interface does has the same consistency guarantees as the `store` interface, meaning that you should be able to "read your writes."',
  "get-many 1": "Get the key-value pairs associated with the keys in the store.",
  "get-many 2": "It returns a list of key-value pairs.",
  "get-many 3": "If any of the keys do not exist in the store, it returns a `none` value for that pair in the list.",
  "get-many 4": "MAY show an out-of-date value if there are concurrent writes to the store.",
  "get-many 5": "If any other error occurs, it returns an `Err(error)`.",
  "set-many 1": "Set the values associated with the keys in the store.",
  "set-many 2": "If the key already exists in the store, it overwrites the value.",
  "set-many 3": "Note that the key-value pairs are not guaranteed to be set in the order they are provided.",
  "set-many 4": "If any of the keys do not exist in the store, it creates a new key-value pair.",
  "set-many 5": "If any other error occurs, it returns an `Err(error)`.",
  "set-many 6": "When an error occurs, it does not rollback the key-value pairs that were already set.",
  "set-many 7":
    "Thus, this batch operation does not guarantee atomicity, implying that some key-value pairs could be set while others might fail.",
  "set-many 8": "Other concurrent operations may also be able to see the partial results.",
  "delete-many 1": "Delete the key-value pairs associated with the keys in the store.",
  "delete-many 2": "Note that the key-value pairs are not guaranteed to be deleted in the order they are provided.",
  "delete-many 3": "If any of the keys do not exist in the store, it skips the key.",
  "delete-many 4": "If any other error occurs, it returns an `Err(error)`.",
  "delete-many 5": "When an error occurs, it does not rollback the key-value pairs that were already deleted.",
  "delete-many 6":
    "Thus, this batch operation does not guarantee atomicity, implying that some key-value pairs could be deleted while others might fail.",
  "delete-many 7": "Other concurrent operations may also be able to see the partial results.",
} as const;

/** The id of a sentence in `witSentences`, such as `get-many 1`. */
export type WitSentenceId = keyof typeof witSentences;
