"""What tests ask of a store whose server they start, stop and kill."""

from shared.store import Store, StoreUnavailableError


def works(store: Store) -> bool:
    """Tell whether the store can read and write now."""
    try:
        store.ping()
    except StoreUnavailableError:
        return False
    return True
