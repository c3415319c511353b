"""Texts for revisions: an article, others about something else, and a program."""

ARTICLE = """The harbour at Whitby has been dredged every spring since 1902, because the river Esk carries silt down \
from the moors. This year the dredger broke its main shaft in the second week of March. The council hired a smaller \
vessel from Hull, which can work only at high tide (four hours a day), so that the channel will not be clear before \
June.

Fishermen say that they have lost about a third of their usual catch. Larger boats land at Scarborough instead, and \
the fish market opens on three days a week rather than six. A new shaft costs 210,000 pounds; the insurer has paid \
half of it. The harbour master expects normal working from 20 June."""
RECIPE = """Peel two onions and fry them gently in butter until golden. Add crushed garlic, a spoonful of paprika and \
chopped tomatoes, then simmer everything under a lid. Stir cooked beans into the pan, season with salt and vinegar, \
and serve it hot with rice or toasted bread and plenty of fresh coriander on top."""
CODE = """def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2

print(median([3, 1, 2]))
"""
PIZZA = """The pizza here is thin and crisp, and the staff remembered our names on the second visit. We waited ten \
minutes for a table on a Friday night, which is nothing in this part of town. The house red is cheap and good. I only \
wish that they would turn the music down a little, because we could hardly hear one another."""
REPAIR = """My phone screen cracked on a Monday and this shop repaired it within the hour. The man behind the counter \
was friendly, told me the price before he started, and showed me how to use the new case. They open early, which is \
rare on this street. I would go there again, and I have sent two friends to them already."""
REFUSAL = "I'm sorry, but I can't help with that request."
