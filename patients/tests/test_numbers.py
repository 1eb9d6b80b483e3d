from patients import numbers


def test_has_eight_characters_of_the_alphabet_and_reads_as_two_groups():
    number = numbers.new()

    assert len(number) == 8 and set(number) <= set(numbers.ALPHABET)
    assert numbers.display("7K4M2Q9X") == "7K4M-2Q9X"


def test_is_found_however_it_is_written():
    number = numbers.new()
    while not {"0", "1"} <= set(number):
        number = numbers.new()

    shown = numbers.display(number)
    for written in (number, shown, shown.lower(), shown.replace("0", "O"), shown.replace("1", "l"), f" {shown} "):
        assert numbers.normalize(written) == number


def test_notices_every_wrong_character_and_every_swap():
    number = numbers.new()
    wrong = {
        number[:place] + other + number[place + 1 :]
        for place in range(8)
        for other in numbers.ALPHABET
        if other != number[place]
    }
    swapped = {
        number[:a] + number[b] + number[a + 1 : b] + number[a] + number[b + 1 :]
        for a in range(8)
        for b in range(a + 1, 8)
    } - {number}

    assert len(wrong) == 8 * 31
    assert [text for text in wrong | swapped if numbers.normalize(text)] == []


def test_does_not_repeat():
    assert len({numbers.new() for _ in range(1000)}) == 1000
