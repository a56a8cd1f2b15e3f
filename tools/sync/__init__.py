"""From facts about the API to code: the models, the input types, the resources and the public faces of oxide."""
