"""What a person looks at: the inspector's page, and the data that it asks for."""
