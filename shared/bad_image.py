"""What is wrong with bytes that should be a drawing; web tells it without what decodes one."""


class BadImageError(ValueError):
    """Raised when bytes are no drawing; the text tells the person who sent them what to send instead.

    Attributes:
        slug: which kind of bad: undecodable-image, image-too-large, animated-image or blank-drawing.
    """

    def __init__(self, slug: str, message: str) -> None:
        super().__init__(slug, message)  # both, so that it can be sent to another process
        self.slug = slug

    def __str__(self) -> str:
        """Return the text alone."""
        return self.args[1]
